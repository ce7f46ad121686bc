# Marks the host as one of the cluster. Payload: host.json.
take
put host.json <"$folder/new/host.json"
