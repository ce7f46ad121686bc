"""botocore's answer to the question whose credentials a program gets: one line of JSON in, one out.

In: {"environment": {…}, "profile": NAME or null}. Out: {"arn": …, "key": …}, or {"error": the exception's name}.
"""
import json, os, sys

import botocore.credentials, botocore.session, botocore.tokens

print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    case = json.loads(line)
    os.environ.clear()
    os.environ.update(case["environment"])
    # Taken from the home folder of the program's start otherwise.
    logins = os.path.join(case["environment"]["HOME"], ".aws", "sso", "cache")
    botocore.credentials.SSOProvider._SSO_TOKEN_CACHE_DIR = logins
    botocore.tokens.SSOTokenProvider._SSO_TOKEN_CACHE_DIR = logins
    try:
        session = botocore.session.Session(profile=case.get("profile"))
        credentials = session.get_credentials()
        if credentials is None:
            raise LookupError
        key = credentials.get_frozen_credentials().access_key
        arn = session.create_client("sts", region_name="eu-central-1").get_caller_identity()["Arn"]
        answer = {"arn": arn, "key": key}
    except Exception as error:
        answer = {"error": type(error).__name__}
    print(json.dumps(answer), flush=True)
