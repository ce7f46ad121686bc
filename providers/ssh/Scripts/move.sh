# Gives what is on the host another address, in its marker alone. Argument: TYPE. Payload: TYPE.json.
[ -n "$isOurs" ] || end 65 "its marker is gone: plan again"
take
put "$1.json" <"$folder/new/$1.json"
