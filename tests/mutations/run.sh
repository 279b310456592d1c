#!/usr/bin/env bash
# Takes each verification away in turn, in a copy of the repository, and wants to see the tests fail.
# It takes an hour and more, so it is no part of the gate: run it after a change there.
#   tests/mutations/run.sh [gate|broker|links]
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

copy="$(mktemp -d)"
trap 'rm -rf "$copy"' EXIT
git clone --quiet . "$copy"
cd "$copy"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$copy/target}" RUSTFLAGS="--cap-lints allow" RUST_BACKTRACE=0

run() { cargo test --quiet "$@" >>"$copy/log" 2>&1; }
tests() {
    : >"$copy/log"
    case "$1" in
        gate)
            run -p toolgate --test gate_token --test gate_keys --test gate_dpop --test gate_introspection &&
                run -p toolgate --lib -- gate serve && run -p end-to-end --test gate --test brokered
            ;;
        broker) run -p toolgate --lib -- broker && run -p end-to-end --test broker --test brokered ;;
        links) run -p end-to-end --test links --test dev ;;
    esac
}

killed=0 survived=0
for room in ${1:-gate broker links}; do
    tests "$room" || { cat "$copy/log"; echo 'the tests fail without any change'; exit 1; }
    while IFS= read -r line; do
        case "$line" in '' | '#'*) continue ;; esac
        file="${line%% => *}" rest="${line#* => }"
        # What is replaced may hold an arrow itself: the middle one of an odd number divides.
        FILE="$file" REST="$rest" perl -e '
            my ($file, @parts) = ($ENV{FILE}, split / => /, $ENV{REST});
            my $half = @parts / 2;
            my $from = join(" => ", @parts[0 .. $half - 1]);
            my $to = join(" => ", @parts[$half .. $#parts]);
            open my $in, "<", $file or die; local $/; my $text = <$in>; close $in;
            my $at = index($text, $from); die "nothing to take away: $from\n" if $at < 0;
            substr($text, $at, length $from) = $to;
            open my $out, ">", $file or die; print $out $text;' || exit 1
        if tests "$room"; then
            survived=$((survived + 1)); echo "SURVIVED  $line"
        elif grep -q '^error\(\[E\|: could not compile\)' "$copy/log"; then
            echo "does not compile: $line"; cat "$copy/log"; exit 1
        else
            killed=$((killed + 1)); echo "killed    $line"
        fi
        git checkout --quiet .
    done <"tests/mutations/$room.txt"
done
echo "$killed killed, $survived survived"
[ "$survived" = 0 ]
