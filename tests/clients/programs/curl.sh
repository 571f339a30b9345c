#!/bin/sh
# curl with a cookie jar: curl.sh SCENARIO URL. Prints what it sees, one JSON object a line.
set -eu
scenario=$1 url=$2
jar=$(mktemp)
trap 'rm -f "$jar"' EXIT

fetch() {
    curl --silent --show-error --location --cookie "$jar" --cookie-jar "$jar" "$@"
}

# report STEP PATH [OPTION...]: fetches the page, and tells what it says.
report() {
    step=$1 path=$2
    shift 2
    answer=$(fetch --write-out ',"status":%{http_code}' "$@" "$url$path")
    printf '{"step":"%s","saw":%s}\n' "$step" "$answer"
}

visit() {
    report visit /visit
}

sign_in() {
    token=$(fetch "$url/login" | sed -n 's/.*name="token" value="\([^"]*\)".*/\1/p')
    report 'sign in' /login --data-urlencode name=alice --data-urlencode "token=$token"
}

wait_minutes() {
    fetch --data "minutes=$1" "$url/clock"
}

case $scenario in
visits)
    visit
    visit
    visit
    ;;
session)
    visit
    visit
    sign_in
    visit

    wait_minutes 16 # the key is renewed
    visit
    visit
    wait_minutes 2 # the old key retires
    visit
    wait_minutes 2
    report keys /keys

    wait_minutes 16 # renewed again, in two requests at once that share the jar
    report together /together &
    report together /together
    wait
    visit

    report 'sign out' /logout --data ''
    sign_in
    wait_minutes 31 # the session expires
    report 'come back' /
    ;;
esac
