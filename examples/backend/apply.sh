#!/usr/bin/env bash
# Brings a backend to what backend.yaml says, and destroys it again: what a
# repository with such a file does, by hand or from any CI.
#
#   DRAWBRIDGE_URL    the panel's address
#   DRAWBRIDGE_TOKEN  an API token, or a workload's ID token
#   DRAWBRIDGE        the program, "drawbridge" when left out
set -euo pipefail
cd "$(dirname "$0")"
ctl() { "${DRAWBRIDGE:-drawbridge}" ctl "$@"; }

case "${1:-apply}" in
plan) # what would change; ends with 2 when something would
	ctl apply -f backend.yaml --dry-run
	;;
apply) # bring it about, and wait until it is
	ctl apply -f backend.yaml --wait
	ctl tests run orders-api
	;;
destroy) # only ever by name: taking the file away destroys nothing
	ctl destroy orders-api --wait
	;;
*)
	echo "usage: apply.sh [plan|apply|destroy]" >&2
	exit 64
	;;
esac
