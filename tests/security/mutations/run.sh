#!/usr/bin/env bash
# Takes each verification away in turn, in a copy of the repository, and wants to see the tests fail.
# All of them take hours, so the gate runs a sample: run the rest after a change there.
#   tests/security/mutations/run.sh [gate|broker|links]   all of a room, or of all rooms
#   tests/security/mutations/run.sh --check               sees that each line still takes something away
#   tests/security/mutations/run.sh --sample              that, and those of sample.txt that fit into a minute
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

# Replaces what the line names, in the file that it names: FILE => WHAT => BY WHAT. What is replaced
# may hold an arrow itself: the middle one of an odd number divides.
mutate() {
    LINE="$1" WRITE="$2" perl -e '
        my ($file, @parts) = split / => /, $ENV{LINE};
        my $half = @parts / 2;
        my $from = join(" => ", @parts[0 .. $half - 1]);
        my $to = join(" => ", @parts[$half .. $#parts]);
        die "this divides nowhere: $ENV{LINE}\n" if @parts % 2 || $from eq $to;
        open my $in, "<", $file or die "$file is not there\n"; local $/; my $text = <$in>; close $in;
        my $at = index($text, $from); die "$file has nothing to take away: $from\n" if $at < 0;
        exit 0 unless $ENV{WRITE};
        substr($text, $at, length $from) = $to;
        open my $out, ">", $file or die; print $out $text;'
}

lines() { grep -v '^#' "tests/security/mutations/$1.txt" | grep .; }

check() {
    local stale=0 line
    for room in gate broker links sample; do
        while IFS= read -r line; do mutate "$line" '' || stale=$((stale + 1)); done < <(lines "$room")
    done
    [ "$stale" = 0 ] || { echo "$stale lines of tests/security/mutations take nothing away"; exit 1; }
    echo "$(cat tests/security/mutations/{gate,broker,links}.txt | grep -v '^#' | grep -c .) lines, and each takes something away"
}

run() { cargo test --quiet "$@" >>"$log" 2>&1; }
tests() {
    : >"$log"
    case "$1" in
        # The quick ones, for the files of the sample.
        sample) run --workspace --test api -- gate_token:: gate_dpop:: gate_introspection:: ;;
        gate)
            run -p toolgate --test api -- gate_ && run -p toolgate --lib -- gate:: http:: mcp:: server:: &&
                run -p integration --test integration -- \
                    gate:: brokered:: widgets:: strangers:: sessions:: transports:: two_ways:: connections:: landing::
            ;;
        broker) run -p toolgate --lib -- broker:: browser:: && run -p integration --test integration -- broker step_up:: ;;
        links)
            run -p toolgate --lib -- consent:: browser:: grant:: &&
                run -p integration --test integration -- links:: shared_accounts:: accounts:: two_providers:: person_addresses:: dev:: consent:: brokered::
            ;;
    esac
}

killed=0 survived=0
# Takes away what the line says, and runs the tests.
try() {
    mutate "$2" 1 || exit 1
    if tests "$1"; then
        survived=$((survived + 1)) && echo "SURVIVED  $2"
    elif grep -q '^error\(\[E\|: could not compile\)' "$log"; then
        echo "does not compile: $2"; cat "$log"; exit 1
    else
        killed=$((killed + 1)) && echo "killed    $2"
    fi
    git checkout --quiet .
}

# One file changes between two builds.
export CARGO_INCREMENTAL=1
# It does nothing, but cargo keeps what members of a workspace are compiled to with it apart: no build of the
# repository itself takes a library without a verification for its own.
export RUSTC_WORKSPACE_WRAPPER=env
export RUST_BACKTRACE=0 CARGO_TARGET_DIR="$(realpath -m "${CARGO_TARGET_DIR:-target}")"
log="$CARGO_TARGET_DIR/mutations.log"
case "${1:-}" in
    --check) check; exit ;;
    --sample)
        check
        # Always at one place, so that the next build is a small one.
        copy="$CARGO_TARGET_DIR/mutations"
        [ -d "$copy/.git" ] || git clone --quiet . "$copy"
        git -C "$copy" fetch --quiet "$PWD" HEAD
        ;;
    *)
        copy="$(mktemp -d)"
        trap 'rm -rf "$copy"' EXIT
        git clone --quiet . "$copy"
        git -C "$copy" fetch --quiet "$PWD" HEAD
        ;;
esac
cd "$copy" && git reset --quiet --hard FETCH_HEAD

if [ "${1:-}" = --sample ]; then
    tests sample || { cat "$log"; echo 'the tests fail without any change'; exit 1; }
    end=$((SECONDS + 45))
    while IFS= read -r line; do
        [ "$SECONDS" -lt "$end" ] || break
        try sample "$line"
    done < <(lines sample)
else
    for room in ${1:-gate broker links}; do
        tests "$room" || { cat "$log"; echo 'the tests fail without any change'; exit 1; }
        while IFS= read -r line; do try "$room" "$line"; done < <(lines "$room")
    done
fi
echo "$killed killed, $survived survived"
[ "$survived" = 0 ]
