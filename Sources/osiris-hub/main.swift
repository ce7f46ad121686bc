print("osiris-hub")
