# Shell functions for the commands of the runbook, the deployment page and the smoke test: `. docs/operator.sh`, in bash.
# STACK is the stack's name. No secret is an argument of a program, which others on the same machine could read.

# read_outputs: asks for the outputs of the stack, so that `out` need not; again for another stack and after an upgrade.
read_outputs() {
  OUTPUTS=$(aws cloudformation describe-stacks --stack-name "$STACK" --output text \
    --query 'Stacks[0].Outputs[].[OutputKey,OutputValue]')
}

# out NAME: prints an output of the stack.
out() {
  [ -n "${OUTPUTS-}" ] || read_outputs || return
  awk -F '\t' -v name="$1" '$1 == name { print $2 }' <<<"$OUTPUTS"
}

# lines OUTPUT PATTERN: prints the log lines of the last hour that match, from the log group that the output names.
lines() {
  aws logs filter-log-events --log-group-name "$(out "$1")" --filter-pattern "$2" \
    --start-time $((($(date +%s) - 3600) * 1000)) --query 'events[].[message]' --output text
}

# secret NAME: prints a secret of the stack as exports; eval "$(secret database)" sets SUPABASE_DB_URL.
secret() {
  python3 -c '
import json, shlex, sys, boto3
sys.tracebacklimit = 0
held = boto3.client("secretsmanager").get_secret_value(SecretId=sys.argv[1])["SecretString"]
for name, value in json.loads(held).items():
    print(f"export {name}={shlex.quote(value)}")' "$STACK/$1"
}

# keep NAME: creates a secret of the stack from the JSON on standard input, and prints its ARN. Nothing there: no secret.
keep() {
  local held
  held=$(cat) && [ -n "$held" ] && printf '%s' "$held" | aws secretsmanager create-secret --name "$STACK/$1" \
    --secret-string file:///dev/stdin --query ARN --output text
}

# renew NAME: puts what the JSON on standard input holds into a secret of the stack. Nothing there: nothing changes.
renew() {
  local held
  held=$(cat) && [ -n "$held" ] && HELD=$held change "$1" 's.update(json.loads(os.environ["HELD"]))'
}

# change NAME STATEMENT: runs a Python statement on a secret of the stack, which is the dictionary `s`, and stores it.
change() {
  python3 -c '
import json, os, secrets, sys, boto3
sys.tracebacklimit = 0
vault, name = boto3.client("secretsmanager"), sys.argv[1]
s = json.loads(vault.get_secret_value(SecretId=name)["SecretString"])
exec(sys.argv[2])
vault.put_secret_value(SecretId=name, SecretString=json.dumps(s))' "$STACK/$1" "$2"
}

# login ROLE: gives a role a new password, and prints the URL that it logs in with as JSON, for `keep` or `renew`. Needs
# OWNER_URL and POOLED_URL.
login() {
  local password url
  password=$(python3 -c 'import secrets; print(secrets.token_urlsafe(24))') &&
    psql -qX -v ON_ERROR_STOP=1 "$OWNER_URL" <<<"alter role \"$1\" login password '$password'" &&
    url=${POOLED_URL/ROLE/$1} && printf '{"SUPABASE_DB_URL": "%s"}' "${url/PASSWORD/$password}"
}

# restart: lets each function start anew, so that it reads its secrets again: Lambda does so when a variable changes.
restart() {
  python3 -c '
import sys, time, boto3
sys.tracebacklimit = 0
functions = boto3.client("lambda")
for name in sys.argv[1:]:
    found = functions.get_function_configuration(FunctionName=name)
    variables = found["Environment"]["Variables"] | {"RESTARTED_AT": time.ctime()}
    functions.update_function_configuration(FunctionName=name, Environment={"Variables": variables})
    print(name, "starts anew")
' $(for name in Dispatcher ExpiryWorker HlfSyncWorker PortalDrift Monitor Api; do out "${name}FunctionName"; done)
}

# ask ARGUMENTS: asks the HTTP entry with curl, as the machine that holds SCHEDULER_SECRET.
ask() {
  printf 'header = "Authorization: Bearer %s"\n' "$SCHEDULER_SECRET" | curl -sS --config - "$@"
}
