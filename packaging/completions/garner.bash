# Completion of garner for bash. Installed as bash-completion/completions/garner.

# What the daemon has of a kind for `cur`, a line each; nothing when none is there, or it does not answer soon.
_garner_complete() {
    command garner "${_garner_socket[@]}" complete "$1" "$cur" 2>/dev/null
}

_garner_words() {
    local offered
    while IFS= read -r offered; do
        [[ -n $offered && $offered == "$cur"* ]] && COMPREPLY+=("$offered")
    done <<<"$1"
}

_garner_files() {
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen "$1" -- "$cur")
}

# The same for a snapshot, a selector (also sets), or a path (SNAPSHOT[:PATH]).
_garner_snapshots() {
    mapfile -t COMPREPLY < <(_garner_complete "$1")
    to_quote=1
    [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == */ ]] && compopt -o nospace 2>/dev/null
}

# What is offered, as it is to be typed within `quote`. Names in a snapshot may hold anything, and readline's own way
# leaves a '$' as it is.
_garner_quote() {
    local special='\$`"' char i
    case $quote in
        "") special+=" '&|;<>()*?[]{}!" ;;
        \') special="" ;;
    esac
    for i in "${!COMPREPLY[@]}"; do
        for ((char = 0; char < ${#special}; char++)); do
            COMPREPLY[i]=${COMPREPLY[i]//"${special:char:1}"/\\"${special:char:1}"}
        done
        [[ $quote == \' ]] && COMPREPLY[i]=${COMPREPLY[i]//\'/\'\\\'\'}
        # Within these a '!' is the history's, with a backslash or without.
        [[ $quote == \" ]] && COMPREPLY[i]=${COMPREPLY[i]//!/\"\\!\"}
    done
    # readline closes the quote unless a quote is the last that it has put.
    [[ -n $quote && ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *"$quote" ]] && COMPREPLY[0]+=$quote
}

# The words up to the cursor as the shell takes them: COMP_WORDS has them cut at ':', '@' and '=' as well, and with
# their quotes. `quote` is one that is open there, and `kept` what stands in the last word before that which is
# replaced by what is offered.
_garner_split() {
    local line=${COMP_LINE:0:COMP_POINT} word="" begun="" char next i
    words=() kept="" quote=""
    for ((i = 0; i < ${#line}; i++)); do
        char=${line:i:1}
        next=${line:i+1:1}
        if [[ $char == \\ && $quote != "'" ]]; then
            if [[ -n $quote && $next != [\\\"\$\`] ]]; then
                word+=$char
            else
                word+=$next
                ((i++))
            fi
        elif [[ $char == "$quote" ]]; then
            quote=""
        elif [[ -n $quote ]]; then
            word+=$char
        elif [[ $char == [\"\'] ]]; then
            quote=$char
            kept=$word
        elif [[ $char == [[:space:]] ]]; then
            [[ -n $begun ]] && words+=("$word")
            word="" begun="" kept=""
            continue
        else
            # An '@' is replaced with what stands behind it.
            [[ $char == @ && $COMP_WORDBREAKS == *@* ]] && kept=$word
            word+=$char
            [[ $char != @ && $COMP_WORDBREAKS == *"$char"* ]] && kept=$word
        fi
        begun=1
    done
    words+=("$word")
}

_garner() {
    local words kept quote cur lead="" to_quote="" i
    _garner_split
    cur=${words[-1]}
    # An option's value behind '='.
    if [[ $cur == --*=* ]]; then
        lead=${cur%%=*}=
        cur=${cur#*=}
        words[-1]=${lead%=}
        words+=("$cur")
    fi
    COMPREPLY=()
    _garner_offer
    for i in "${!COMPREPLY[@]}"; do
        COMPREPLY[i]=$lead${COMPREPLY[i]}
        COMPREPLY[i]=${COMPREPLY[i]#"$kept"}
    done
    [[ -z $to_quote ]] || _garner_quote
}

# What may stand for `cur`, the last of `words`.
_garner_offer() {
    local previous="" word command="" option="" options="" i
    local arguments=0 _garner_socket=()

    # The command, the last option that takes values, and how many arguments stand before the cursor.
    for ((i = 1; i < ${#words[@]} - 1; i++)); do
        word=${words[i]}
        case $previous in
            --socket)
                _garner_socket=(--socket "$word")
                previous=""
                continue
                ;;
            --destination | --source | --schedule | --window | --when | --command | --as | --set | --on)
                if [[ $word != -* ]]; then
                    # These take several values in sets and notifications, one elsewhere.
                    [[ $command == "set "* || $command == "notification "* ]] || previous=""
                    continue
                fi
                ;;
            --password-file | --key-file | --recovery-key-file | --to | --overwrite | --label | \
                --timezone | --random-delay | --overdue-after | --keep-* | --grace | --limit-* | --max-* | \
                --before | --after | --on-failure | --hook-timeout | --command-timeout | --webhook | --header-file | \
                --ping | --mail | --smtp | --from | --user | --ca-file | --run | --access-keys | --region | \
                --addressing | --storage-class | --ssh-key | --ssh-passphrase-file | --known-hosts | \
                --prune-schedule | --check-schedule | --check-period | --supply-from | --supply | \
                --since | --until | --limit | --host | --path | --sort | --columns | --group-by | --version | --tag | --add | --remove | \
                --in | --type | --size | --mtime-after | --mtime-before | --content | --blob | --pack)
                previous=""
                continue
                ;;
        esac
        previous=""
        case $word in
            --socket=*) _garner_socket=("$word") ;;
            -*) previous=$word ;;
            *)
                case $command in
                    "") command=$word ;;
                    destination | set | run | key | notification | config) command+=" $word" ;;
                    *) ((arguments++)) ;;
                esac
                ;;
        esac
    done
    option=$previous

    case $option in
        --socket | --password-file | --key-file | --recovery-key-file | --header-file | --ca-file | --access-keys | \
            --ssh-key | --ssh-passphrase-file | --known-hosts)
            _garner_files -f
            return
            ;;
        --to)
            if [[ $command == copy ]]; then
                _garner_words "$(_garner_complete destination)"
                return
            fi
            if [[ $command == "key export" ]]; then _garner_files -f; else _garner_files -d; fi
            return
            ;;
        --source)
            if [[ $cur != -* ]]; then
                _garner_files -f
                return
            fi
            ;;
        --destination)
            if [[ $cur != -* ]]; then
                _garner_words "$(_garner_complete destination)"
                return
            fi
            ;;
        --supply-from)
            _garner_words "$(_garner_complete destination)"
            return
            ;;
        --supply)
            _garner_words "both-ways"
            return
            ;;
        --addressing)
            _garner_words $'path\nvirtual-host'
            return
            ;;
        --region | --storage-class | --accept-log) return ;;
        --index-from)
            _garner_words $'local\nself\n'"$(_garner_complete destination)"
            return
            ;;
        --overwrite)
            _garner_words $'never\nolder\nalways'
            return
            ;;
        --when)
            if [[ $cur != -* ]]; then
                _garner_words $'on-ac-power\ndestination\ncommand:'
                return
            fi
            ;;
        --schedule)
            if [[ $cur != -* ]]; then
                _garner_words $'hourly\ndaily\nweekly\nmonthly'
                return
            fi
            ;;
        --timezone)
            _garner_words "system"$'\n'"$(command timedatectl list-timezones 2>/dev/null)"
            return
            ;;
        --prune-schedule | --check-schedule)
            _garner_words $'daily\nweekly\nmonthly\nnever'
            return
            ;;
        --command | --as) [[ $cur == -* ]] || return ;;
        --before | --after | --on-failure | --hook-timeout | --command-timeout) return ;;
        --label | --random-delay | --overdue-after | --keep-* | --grace | --max-rewrite | --check-period) return ;;
        --limit-upload | --limit-download)
            _garner_words "none"
            return
            ;;
        --max-unused)
            [[ $command == "destination "* ]] && _garner_words "default"
            return
            ;;
        --set)
            if [[ $command == tag ]]; then
                _garner_words "$(_garner_complete tag)"
                return
            fi
            if [[ $cur != -* ]]; then
                _garner_words "$(_garner_complete set)"
                return
            fi
            ;;
        --on)
            if [[ $cur != -* ]]; then
                _garner_words $'start\nsuccess\nerrors\nfailure\noverdue\nrecovery'
                return
            fi
            ;;
        --run)
            _garner_words "$(_garner_complete run)"
            return
            ;;
        --webhook | --ping | --mail | --smtp | --from | --user) return ;;
        --since | --until | --mtime-after | --mtime-before)
            _garner_words $'now\ntoday\nyesterday\nmonday'
            return
            ;;
        --limit | --host | --version | --diff | --size | --blob | --pack) return ;;
        --tag | --add | --remove)
            _garner_words "$(_garner_complete tag)"
            return
            ;;
        --in)
            _garner_snapshots selector
            return
            ;;
        --type)
            _garner_words $'f\nd\nl\nb\nc\np\ns'
            return
            ;;
        --path | --content)
            _garner_files -f
            return
            ;;
        --sort)
            _garner_words $'time\nfiles\nbytes\nnew\nerrors\nset\nhost'
            return
            ;;
        --columns)
            # After a comma, what goes on with another column.
            local chosen=""
            [[ $cur == *,* ]] && chosen=${cur%,*},
            _garner_words "$(printf "$chosen%s\n" id set time host sources files bytes new only errors at tags note)"
            return
            ;;
        --group-by)
            _garner_words $'day\nweek\nmonth\nnone'
            return
            ;;
    esac

    case $command in
        "") options=$'status\ndestination\nset\nbackup\nruns\nrun\nerrors\nsnapshots\nls\ndiff\nfind\nversions\nbrowse\nmount\nrestore\ncopy\ncheck\nrepair\nkey\nlog\ntag\nforget\nprune\npin\nunpin\nnotification\nmetrics\nignore\nconfig' ;;
        destination) options=$'add\nlist\nshow\nedit\nclaim\ntest\nremove' ;;
        config) options=$'export\napply' ;;
        set) options=$'add\nlist\nshow\nedit\nexplain\nremove' ;;
        run) options=$'show\npause\nresume\ncancel' ;;
        key) options=$'list\nadd\nremove\nexport\nrotate' ;;
        notification) options=$'add\nlist\nshow\ntest\nremove' ;;
    esac
    if [[ $cur != -* ]]; then
        case $command in
            "destination show" | "destination edit" | "destination claim" | "destination test" | \
                "destination remove")
                ((arguments == 0)) && options=$(_garner_complete destination)
                ;;
            "destination add")
                if ((arguments == 1)); then
                    _garner_files -d
                    return
                fi
                ;;
            "config export" | "config apply")
                _garner_files -f
                return
                ;;
            forget | snapshots)
                _garner_snapshots selector
                return
                ;;
            "notification show" | "notification test" | "notification remove")
                ((arguments == 0)) && options=$(_garner_complete notification)
                ;;
            status)
                options=$(_garner_complete set)
                ;;
            backup | runs | browse | "set show" | "set edit" | "set explain" | "set remove")
                ((arguments == 0)) && options=$(_garner_complete set)
                ;;
            errors | "run show" | "run pause" | "run resume" | "run cancel")
                ((arguments == 0)) && options=$(_garner_complete run)
                ;;
            versions)
                if ((arguments == 0)); then
                    _garner_files -f
                    return
                fi
                _garner_snapshots selector
                return
                ;;
            restore)
                if [[ " ${words[*]::${#words[@]}-1} " == *" --version"[\ =]* ]]; then
                    _garner_files -f
                    return
                fi
                ((arguments == 0)) && _garner_snapshots path
                return
                ;;
            ls)
                ((arguments == 0)) && _garner_snapshots path
                return
                ;;
            copy | pin | unpin)
                ((arguments == 0)) && _garner_snapshots snapshot
                return
                ;;
            tag)
                _garner_snapshots selector
                return
                ;;
            mount)
                if ((arguments == 0)); then
                    _garner_files -d
                    return
                fi
                _garner_snapshots snapshot
                return
                ;;
            diff)
                ((arguments < 2)) && _garner_snapshots path
                return
                ;;
            "key remove")
                ((arguments == 0)) && options=$(_garner_complete key)
                ;;
        esac
        _garner_words "$options"
        return
    fi

    local limits=$'\n--limit-upload\n--limit-download\n--max-unused\n--max-rewrite'
    local place=$'\n--access-keys\n--region\n--addressing\n--storage-class\n--ca-file\n--ssh-key\n--ssh-passphrase-file\n--known-hosts'
    local keep=$'\n--keep-last\n--keep-hourly\n--keep-daily\n--keep-weekly\n--keep-monthly\n--keep-quarterly\n--keep-yearly\n--keep-within'
    local maintenance=$'\n--prune-schedule\n--no-prune-schedule\n--check-schedule\n--no-check-schedule\n--check-period'
    local commands=$'\n--command\n--as\n--command-timeout\n--before\n--after\n--on-failure\n--hook-timeout'
    options=$'--help\n--json\n--socket\n--no-pager'
    case $command in
        "") options+=$'\n--version' ;;
        ignore) options+=$'\n--all-of\n--dry-run' ;;
        status) options+=$'\n--watch\n--check' ;;
        "notification add")
            options+=$'\n--webhook\n--header-file\n--ping\n--mail\n--smtp\n--from\n--user\n--password-file'
            options+=$'\n--plain-smtp\n--command\n--ca-file\n--on\n--set'
            ;;
        "destination add")
            options+=$'\n--password-file\n--key-file\n--recovery-key-file\n--no-encryption\n--share-keyring'$limits$maintenance$place
            options+=$'\n--single-writer'
            ;;
        "destination edit") options+=$limits$maintenance$place$'\n--index-from\n--accept-log' ;;
        "config apply") options+=$'\n--dry-run\n--remove-others' ;;
        "set add")
            options+=$'\n--source\n--destination\n--one-file-system\n--exclude-caches\n--rule'$keep$commands
            options+=$'\n--supply-from\n--supply'
            options+=$'\n--schedule\n--timezone\n--random-delay\n--window\n--when\n--overdue-after'
            ;;
        "set edit")
            options+=$'\n--source\n--no-source\n--destination\n--one-file-system\n--no-one-file-system'
            options+=$'\n--exclude-caches\n--no-exclude-caches\n--rule\n--no-rules'$keep$commands
            options+=$'\n--supply-from\n--supply\n--no-supply'
            options+=$'\n--no-command\n--no-before\n--no-after\n--no-on-failure'
            options+=$'\n--schedule\n--no-schedule\n--timezone\n--random-delay\n--window\n--no-window'
            options+=$'\n--when\n--no-when\n--overdue-after'
            ;;
        backup) options+=$'\n--destination\n--detach\n--full-scan' ;;
        diff) options+=$'\n--metadata\n--summary' ;;
        find)
            options+=$'\n--in\n--since\n--until\n--path\n--type\n--size\n--mtime-after\n--mtime-before'
            options+=$'\n--ignore-case\n--limit\n--content\n--blob\n--pack'
            ;;
        browse) options+=$'\n--path' ;;
        mount) options+=$'\n--allow-other' ;;
        versions) options+=$'\n--since\n--until\n--diff' ;;
        restore) options+=$'\n--to\n--version\n--overwrite\n--dry-run' ;;
        copy) options+=$'\n--to\n--detach' ;;
        runs) options+=$'\n--limit' ;;
        snapshots) options+=$'\n--since\n--until\n--limit\n--host\n--path\n--tag\n--sizes\n--sort\n--columns\n--group-by' ;;
        tag) options+=$'\n--add\n--remove\n--set\n--clear' ;;
        forget) options+=$keep$'\n--tag\n--dry-run' ;;
        prune) options+=$'\n--destination\n--grace\n--max-unused\n--max-rewrite\n--dry-run' ;;
        check) options+=$'\n--destination\n--read-data\n--read-data=' ;;
        repair) options+=$'\n--destination\n--dry-run' ;;
        errors) options+=$'\n--set' ;;
        "key add") options+=$'\n--password-file\n--key-file\n--recovery\n--destination\n--label' ;;
        "key list" | "key remove" | "key rotate") options+=$'\n--destination' ;;
        "key export") options+=$'\n--to\n--destination' ;;
        log) options+=$'\n--follow\n--run' ;;
    esac
    _garner_words "$options"
}

complete -F _garner garner
