# Printed at the end of `make quickstart`.
osiris=$1
cat <<EOF

The hub runs. Go on:
  $osiris plan -f examples/quickstart                            nothing to do
  $osiris apply -f examples/quickstart --var greeting=hello      one change, with its reason
  $osiris hub info -f examples/quickstart                        where it is
  curl -H "Authorization: Bearer \$($osiris hub token -f examples/quickstart)" \\
      -d '{"number": 360}' http://127.0.0.1:8080/function/demo/primes
  $osiris destroy -f examples/quickstart                         remove it all
EOF
