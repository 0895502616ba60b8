# bash completion for mansio(1). The command itself says what may follow, from the tables that it reads its command line by,
# and asks the database for the names of domains, mailboxes and so on.

_mansio() {
    local line=${COMP_LINE:0:COMP_POINT} typed part candidate words=()
    # Our own words: bash takes the @ of an address for the end of one.
    read -ra words <<<"$line"
    [[ $line == *[[:space:]] ]] && words+=("")
    typed=${words[-1]}
    COMPREPLY=()
    if [[ ${words[-2]-} == -c || ${words[-2]-} == --config ]]; then
        while IFS= read -r candidate; do
            COMPREPLY+=("$candidate")
        done < <(compgen -f -- "$typed")
        return
    fi
    # It replaces what follows the last such character only.
    part=${typed%"${typed##*[@:=]}"}
    while IFS= read -r candidate; do
        COMPREPLY+=("${candidate#"$part"}")
    done < <(command "${words[0]}" complete-words "${words[@]:1}" 2>/dev/null)
}
complete -F _mansio mansio
