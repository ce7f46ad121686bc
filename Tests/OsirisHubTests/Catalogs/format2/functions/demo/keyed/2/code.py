import os
def handle():
    return 'two ' + os.environ['KEY']
