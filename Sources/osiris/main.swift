print("osiris")
