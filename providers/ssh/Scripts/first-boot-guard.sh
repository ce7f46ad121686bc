# Only while nobody has logged in and marked the host: whoever does takes over.
[ -z "$isOurs" ] || end 65 "somebody has logged in, and goes on from here"
isOurs=yes
