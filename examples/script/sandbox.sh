#!/usr/bin/env bash
# Makes a sandbox for a branch and prints its invoke URL, extends it, or ends
# it, with nothing but bash, curl and sed: for any CI system.
#
#   DRAWBRIDGE_URL    the panel's address
#   DRAWBRIDGE_TOKEN  an API token, or a workload's ID token (GitLab: id_tokens)
#   DRAWBRIDGE_TEAM   the team's name or id; not needed when the token sees only one
#
# usage: sandbox.sh up|extend|down KEY [BRANCH]
set -euo pipefail
: "${DRAWBRIDGE_URL:?}" "${DRAWBRIDGE_TOKEN:?}"
action=${1:?usage: sandbox.sh up|extend|down KEY [BRANCH]} key=${2:?a key, as pr-42} branch=${3:-$2}

# api METHOD PATH [BODY]: prints the answer; a refusal goes to standard error.
# The token goes over standard input: other users see a command's arguments.
api() {
	local answer status
	answer=$(curl --silent --show-error --retry 3 --max-time 150 --config - --request "$1" --write-out '\n%{http_code}' \
		--header 'Content-Type: application/json' ${3:+--data "$3"} "$DRAWBRIDGE_URL/api/v1$2" <<<"header = \"Authorization: Bearer $DRAWBRIDGE_TOKEN\"")
	status=${answer##*$'\n'}
	if [[ $status != 2?? ]]; then
		echo "$1 $2: ${answer%$'\n'*}" >&2
		return 1
	fi
	printf '%s\n' "${answer%$'\n'*}"
}

# field NAME: the first field of that name in the JSON on standard input.
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/;T;p;q" <<<"$(sed "s/,\"/\n\"/g" | grep -m1 "\"$1\":\"")"; }

# quote TEXT: as a string of JSON.
quote() {
	local text=${1//\\/\\\\}
	text=${text//\"/\\\"}
	printf '"%s"' "${text//[[:cntrl:]]/}"
}

# encode TEXT: as a part of a query, byte by byte.
encode() {
	local LC_ALL=C i c
	for ((i = 0; i < ${#1}; i++)); do
		c=${1:i:1}
		if [[ $c == [a-zA-Z0-9._~-] ]]; then printf %s "$c"; else printf '%%%02X' "'$c"; fi
	done
}

team=${DRAWBRIDGE_TEAM:+?name=$(encode "$DRAWBRIDGE_TEAM")}
team=$(api GET "/teams${team:-}" | field id)

# find: the id of the key's sandbox; nothing when there is none.
find() { api GET "/teams/$team/sandboxes?key=$(encode "$key")" | field backend_id; }

case $action in
up)
	# The key makes it safe to send again: it is the same sandbox.
	answer=$(api POST "/teams/$team/sandboxes?wait=120s" "{\"key\":$(quote "$key"),\"branch\":$(quote "$branch")}")
	id=$(field backend_id <<<"$answer")
	while [[ $(field phase <<<"$answer") =~ ^(registered|provisioning)$ ]]; do
		api GET "/jobs/$(field active_job_id <<<"$answer")?wait=60s" >/dev/null
		answer=$(api GET "/sandboxes/$id")
	done
	if [[ $(field phase <<<"$answer") != ready ]]; then
		echo "The sandbox is not ready: $answer" >&2
		exit 1
	fi
	field invoke_url <<<"$answer"
	;;
extend)
	api POST "/sandboxes/$(find)/extend" '{}' | field ends_at
	;;
down)
	id=$(find)
	if [[ -n $id ]]; then api POST "/sandboxes/$id/end" >/dev/null; fi
	;;
*)
	echo "usage: sandbox.sh up|extend|down KEY [BRANCH]" >&2
	exit 64
	;;
esac
