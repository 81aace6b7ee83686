# Shell functions for the commands of the runbook, the deployment page and the smoke test: `. docs/operator.sh`, in bash,
# in the checkout. STACK is the stack's name. No secret is an argument of a program, which others on the same machine
# could read. The functions that handle secrets are in cli/operations.py.

operations() {
  python3 -m cli.operations --stack "${STACK-}" "$@"
}

# read_outputs: asks for the outputs of the stack, so that `out` need not; again after an upgrade.
read_outputs() {
  OUTPUTS_OF=
  OUTPUTS=$(aws cloudformation describe-stacks --stack-name "$STACK" --output text \
    --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]') && OUTPUTS_OF=$STACK
}

# out NAME: prints an output of the stack.
out() {
  [[ -n ${OUTPUTS_OF-} && $OUTPUTS_OF == "$STACK" ]] || read_outputs || return
  awk -F '\t' -v name="$1" '$1 == name { print $2; found = 1 }
    END { if (!found) { print "the stack has no output " name >"/dev/stderr"; exit 1 } }' <<<"$OUTPUTS"
}

# lines OUTPUT... PATTERN: prints the log lines of the last hour that match, from the log groups that the outputs name.
lines() {
  local output group
  for output in "${@:1:$#-1}"; do
    group=$(out "$output") && aws logs filter-log-events --log-group-name "$group" --filter-pattern "${!#}" \
      --start-time $((($(date +%s) - 3600) * 1000)) --query 'events[].[message]' --output text || return
  done
}

# secret NAME: prints a secret of the stack as exports; eval "$(secret database)" sets SUPABASE_DB_URL, or fails.
secret() {
  operations secret "$1" || { echo false; return 1; }
}

# keep NAME: creates an empty secret of the stack, unless it is there, and prints its ARN.
keep() {
  operations keep "$1"
}

# change NAME STATEMENT: runs a Python statement on a secret of the stack, which is the dictionary `s`, and stores it.
change() {
  operations change "$1" "$2"
}

# login ROLE NAME: gives a role a new password, keeps the URL that it logs in with in a secret of the stack, which it
# creates where there is none, and prints the secret's ARN. Needs OWNER_URL and POOLED_URL.
login() {
  operations login "$1" "$2"
}

# restart: changes a variable of each function, so that Lambda restarts it and it reads its secrets again.
restart() {
  operations restart
}

# ask ARGUMENTS: asks the HTTP entry with curl, as the machine that holds SCHEDULER_SECRET.
ask() {
  printf 'header = "Authorization: Bearer %s"\n' "$SCHEDULER_SECRET" | curl -sS --config - "$@"
}
