# Completion of garner for fish. Installed in vendor_completions.d.

# What the daemon has of a kind that begins so, a line each; nothing when none is there, or it does not answer soon.
function __garner_complete --argument-names kind word
    command garner (__garner_socket) complete $kind "$word" 2>/dev/null
end
# Of names there are few: fish says which of them are like what is typed.
function __garner_sets
    __garner_complete set ''
end
function __garner_destinations
    __garner_complete destination ''
end
function __garner_runs
    __garner_complete run ''
end
function __garner_tags
    __garner_complete tag ''
end
function __garner_notifications
    __garner_complete notification ''
end
function __garner_keys
    __garner_complete key ''
end
# A snapshot, a selector (also sets), or a path (SNAPSHOT[:PATH]).
function __garner_snapshots --argument-names kind
    set --local word (commandline --current-token --cut-at-cursor | string unescape)
    # An option's value behind '='.
    __garner_complete $kind (string replace --regex -- '^--[^=]*=' '' "$word")
end

# --socket as it stands in the line, or nothing.
function __garner_socket
    set --local words (commandline --tokenize --cut-at-cursor --current-process)
    for i in (seq 2 (count $words))
        switch $words[$i]
            case --socket
                set --query words[(math $i + 1)]; and printf '%s\n' --socket $words[(math $i + 1)]
            case '--socket=*'
                echo $words[$i]
        end
    end
end

# The words before the cursor that are no options, without the program: the command and its arguments.
function __garner_words
    set --local words (commandline --tokenize-at-cursor --cut-at-cursor --current-process 2>/dev/null
        or commandline --tokenize --cut-at-cursor --current-process)
    set --local skip 0
    for word in $words[2..]
        if test $skip -eq 1
            set skip 0
            continue
        end
        switch $word
            case --socket --password-file --key-file --recovery-key-file --to --overwrite --label --source --destination \
                --schedule --timezone --random-delay --window --when --overdue-after --grace '--keep-*' '--limit-*' '--max-*' \
                --command --as --command-timeout --before --after --on-failure --hook-timeout \
                --webhook --header-file --ping --mail --smtp --from --user --ca-file --on --set --run \
                --access-keys --region --addressing --storage-class --ssh-key --ssh-passphrase-file --known-hosts \
                --prune-schedule --check-schedule --check-period --supply-from --supply \
                --since --until --limit --host --path --sort --columns --group-by --version --tag --add --remove \
                --in --type --size --mtime-after --mtime-before --content --blob --pack
                set skip 1
            case '-*'
            case '*'
                echo $word
        end
    end
end

# True when the command is one of those given, each quoted: 'set add'.
function __garner_command
    set --local words (__garner_words)
    for command in $argv
        set --local wanted (string split ' ' -- $command)
        if test (count $words) -ge (count $wanted); and test "$words[1..$(count $wanted)]" = "$wanted"
            return 0
        end
    end
    return 1
end

# True when exactly the words given stand there.
function __garner_at
    set --local words (__garner_words)
    test "$words" = "$argv"
end

complete --command garner --no-files
complete --command garner --long json --description 'The answer as one JSON object'
complete --command garner --long no-pager --description 'Long output as it is, through no pager'
complete --command garner --long socket --require-parameter --force-files --description 'The socket of the daemon'
complete --command garner --short h --long help --description 'Show help'
complete --command garner --condition '__garner_at' --long version --description 'Show the version'

complete --command garner --condition '__garner_at' --arguments "status\t'How things stand'
destination\t'Places that hold repositories'
set\t'What to back up, and where to'
backup\t'Back up a set'
runs\t'List the runs'
run\t'One run'
errors\t'What could not be read'
snapshots\t'List the snapshots'
ls\t'List a folder of a snapshot'
diff\t'Show what changed between two snapshots'
find\t'Find files and folders by name or content in all snapshots'
versions\t'Show every version of a file'
browse\t'Show snapshots on a full screen'
mount\t'Show snapshots as folders'
restore\t'Restore a snapshot, folder or file'
copy\t'Give a destination a snapshot that another one has'
tag\t'Change the tags of snapshots'
forget\t'Remove snapshots from the list'
prune\t'Give back the space of what is forgotten'
config\t'The configuration as a file'
pin\t'Keep a snapshot whatever rules say'
unpin\t'Take the pin from a snapshot'
check\t'Check that everything is there and undamaged'
repair\t'Put right what is damaged'
key\t'What opens a repository'
log\t'The log of the daemon'
notification\t'Who is told of what happens'
ignore\t'Leave paths out of backups by a rule'
metrics\t'Numbers for a monitoring system'"
complete --command garner --condition '__garner_at config' --arguments 'export apply'
complete --command garner --condition '__garner_at destination' --arguments 'add list show edit claim test remove'
complete --command garner --condition '__garner_at set' --arguments 'add list show edit remove'
complete --command garner --condition '__garner_at run' --arguments 'show pause resume cancel'
complete --command garner --condition '__garner_at key' --arguments 'list add remove export rotate'
complete --command garner --condition '__garner_at notification' --arguments 'add list show test remove'

for command in status backup runs 'set show' 'set edit' 'set explain' 'set remove'
    complete --command garner --condition "__garner_at $command" --arguments '(__garner_sets)'
end
for command in 'destination show' 'destination edit' 'destination claim' 'destination test' 'destination remove'
    complete --command garner --condition "__garner_at $command" --arguments '(__garner_destinations)'
end
for command in 'notification show' 'notification test' 'notification remove'
    complete --command garner --condition "__garner_at $command" --arguments '(__garner_notifications)'
end
for command in errors 'run show' 'run pause' 'run resume' 'run cancel'
    complete --command garner --condition "__garner_at $command" --keep-order --arguments '(__garner_runs)'
end
for command in copy pin unpin
    complete --command garner --condition "__garner_at $command" --keep-order --arguments '(__garner_snapshots snapshot)'
end
for command in ls diff restore
    complete --command garner --condition "__garner_at $command" --keep-order --arguments '(__garner_snapshots path)'
end
for command in snapshots tag forget
    complete --command garner --condition "__garner_at $command" --keep-order --arguments '(__garner_snapshots selector)'
end
complete --command garner --condition "__garner_at key remove" --arguments '(__garner_keys)'

complete --command garner --condition '__garner_command status' --long watch --description 'Show it again when it changes'
complete --command garner --condition '__garner_command status' --long check \
    --description 'One line for a monitoring system'
complete --command garner --condition '__garner_command log' --short f --long follow --description 'New lines as they come'
complete --command garner --condition '__garner_command log' --long run --exclusive --keep-order \
    --arguments '(__garner_runs)' --description 'Only the lines of this run'
complete --command garner --condition '__garner_command errors' --long set --exclusive \
    --arguments '(__garner_sets)' --description 'Only of this set'
complete --command garner --condition '__garner_command backup copy' --long detach --description 'Return at once'
complete --command garner --condition '__garner_command backup' --long full-scan --description 'Read every file'
complete --command garner --condition '__garner_command snapshots' --long since --exclusive \
    --arguments 'today yesterday monday' --description 'Only those of this time or later'
complete --command garner --condition '__garner_command snapshots' --long until --exclusive \
    --arguments 'now today yesterday monday' --description 'Only those of this time or before'
complete --command garner --condition '__garner_command runs' --long limit --exclusive \
    --description 'No more than the newest N'
complete --command garner --condition '__garner_command snapshots' --long limit --exclusive \
    --description 'No more than the first'
complete --command garner --condition '__garner_command snapshots' --long host --exclusive \
    --description 'Only those of this host'
complete --command garner --condition '__garner_command snapshots' --long path --require-parameter --force-files \
    --description 'Only those with this path'
complete --command garner --condition '__garner_command snapshots forget' --long tag --exclusive \
    --arguments '(__garner_tags)' --description 'Only those with this tag'
complete --command garner --condition '__garner_command tag' --long add --exclusive --arguments '(__garner_tags)' \
    --description 'Add this tag'
complete --command garner --condition '__garner_command tag' --long remove --exclusive --arguments '(__garner_tags)' \
    --description 'Remove this tag'
complete --command garner --condition '__garner_command tag' --long set --exclusive --arguments '(__garner_tags)' \
    --description 'Have this tag, and no other'
complete --command garner --condition '__garner_command tag' --long clear --description 'Remove every tag'
complete --command garner --condition '__garner_command snapshots' --long sizes \
    --description 'Also what only each of them holds'
complete --command garner --condition '__garner_command snapshots' --long sort --exclusive \
    --arguments 'time files bytes new errors set host' --description 'In which order'
complete --command garner --condition '__garner_command snapshots' --long columns --exclusive \
    --arguments '(__fish_append , id set time host sources files bytes new only errors at tags note)' \
    --description 'Which columns'
complete --command garner --condition '__garner_command snapshots' --long group-by --exclusive \
    --arguments 'day week month none' --description 'Headings of which period'
complete --command garner --condition '__garner_command find' --long in --exclusive --keep-order \
    --arguments '(__garner_snapshots selector)' --description 'Only in this set or snapshot'
complete --command garner --condition '__garner_command find' --long since --exclusive \
    --arguments 'today yesterday monday' --description 'Only in snapshots of this time or later'
complete --command garner --condition '__garner_command find' --long until --exclusive \
    --arguments 'now today yesterday monday' --description 'Only in snapshots of this time or before'
complete --command garner --condition '__garner_command find' --long path --require-parameter --force-files \
    --description 'Only this, and what is below it'
complete --command garner --condition '__garner_command find' --long type --exclusive \
    --arguments "f\t'File' d\t'Folder' l\t'Symbolic link' b\t'Block device' c\t'Character device' p\t'Fifo' s\t'Socket'" \
    --description 'Only this type'
complete --command garner --condition '__garner_command find' --long size --exclusive \
    --description 'Only files of so many bytes: +10M, 1M..10M'
complete --command garner --condition '__garner_command find' --long mtime-after --exclusive \
    --arguments 'today yesterday monday' --description 'Only what was changed then or later'
complete --command garner --condition '__garner_command find' --long mtime-before --exclusive \
    --arguments 'today yesterday monday' --description 'Only what was changed before'
complete --command garner --condition '__garner_command find' --long ignore-case --description 'Take A for a'
complete --command garner --condition '__garner_command find' --long content --require-parameter --force-files \
    --description 'What has the content of this file'
complete --command garner --condition '__garner_command find' --long blob --exclusive \
    --description 'What points at this blob'
complete --command garner --condition '__garner_command find' --long pack --exclusive \
    --description 'What points at this pack'
complete --command garner --condition '__garner_command find' --long limit --exclusive \
    --description 'No more matches than'
complete --command garner --condition '__garner_at versions' --force-files
complete --command garner --condition '__garner_command versions' --keep-order --arguments '(__garner_snapshots selector)'
complete --command garner --condition '__garner_command versions' --long since --exclusive \
    --arguments 'today yesterday monday' --description 'Only of snapshots of this time or later'
complete --command garner --condition '__garner_command versions' --long until --exclusive \
    --arguments 'now today yesterday monday' --description 'Only of snapshots of this time or before'
complete --command garner --condition '__garner_command versions' --long diff --exclusive \
    --description 'What differs between two versions'
complete --command garner --condition '__garner_command restore' --long version --exclusive \
    --description 'Not of a snapshot, but this version of a path'
complete --command garner --condition '__garner_command restore; and string match --quiet -- "*--version*" (commandline)' \
    --force-files
complete --command garner --condition '__garner_at browse' --arguments '(__garner_sets)'
complete --command garner --condition '__garner_command browse' --long path --require-parameter --force-files \
    --description 'The folder to begin in'
complete --command garner --condition '__garner_at mount' --arguments '(__fish_complete_directories)'
complete --command garner --condition '__garner_command mount' --keep-order --arguments '(__garner_snapshots snapshot)'
complete --command garner --condition '__garner_command mount' --long allow-other \
    --description 'Let other users look into it'
complete --command garner --condition '__garner_command diff' --long metadata \
    --description 'Also what differs in metadata only'
complete --command garner --condition '__garner_command diff' --long summary \
    --description 'Only how much of each kind'

complete --command garner --condition '__garner_command "notification add"' --long webhook --exclusive \
    --description 'POST a JSON object there'
complete --command garner --condition '__garner_command "notification add"' --long header-file --require-parameter \
    --force-files --description 'File with further header fields'
complete --command garner --condition '__garner_command "notification add"' --long ping --exclusive \
    --description 'Ping it as healthchecks.io has it'
complete --command garner --condition '__garner_command "notification add"' --long mail --exclusive \
    --description 'Send a mail to it'
complete --command garner --condition '__garner_command "notification add"' --long smtp --exclusive \
    --description 'The server that takes the mail'
complete --command garner --condition '__garner_command "notification add"' --long from --exclusive \
    --description 'The address of the sender'
complete --command garner --condition '__garner_command "notification add"' --long user --exclusive \
    --description 'Who logs in at the server'
complete --command garner --condition '__garner_command "notification add"' --long plain-smtp \
    --description 'In clear where the server offers no TLS'
complete --command garner --condition '__garner_command "notification add"' --long command --exclusive \
    --description 'Have /bin/sh run this'
complete --command garner --condition '__garner_command "notification add"' --long ca-file --require-parameter \
    --force-files --description 'File with trusted certificates'
complete --command garner --condition '__garner_command "notification add"' --long on --exclusive \
    --arguments 'start success errors failure overdue recovery' --description 'Of what'
complete --command garner --condition '__garner_command "notification add"' --long set --exclusive \
    --arguments '(__garner_sets)' --description 'Only of these sets'

complete --command garner --condition '__garner_command "destination add" "key add" "notification add"' --long password-file \
    --require-parameter --force-files --description 'File with the password'
complete --command garner --condition '__garner_command "destination add" "key add"' --long key-file \
    --require-parameter --force-files --description 'File with the key'
complete --command garner --condition '__garner_command "destination add"' --long recovery-key-file \
    --require-parameter --force-files --description 'File with the recovery key'
complete --command garner --condition '__garner_command "destination add"' --long no-encryption \
    --description 'Store everything readable'
complete --command garner --condition '__garner_command "destination add"' --long share-keyring \
    --description 'Use the keys of this installation'
complete --command garner --condition '__garner_command "destination add"' --force-files
complete --command garner --condition '__garner_command "destination add" "destination edit"' --long prune-schedule \
    --exclusive --arguments 'daily weekly monthly never' --description 'When to prune by itself'
complete --command garner --condition '__garner_command "destination add" "destination edit"' --long no-prune-schedule \
    --description 'Prune only when asked to'
complete --command garner --condition '__garner_command "destination add" "destination edit"' --long check-schedule \
    --exclusive --arguments 'daily weekly monthly never' --description 'When to check by itself'
complete --command garner --condition '__garner_command "destination add" "destination edit"' --long no-check-schedule \
    --description 'Check only when asked to'
complete --command garner --condition '__garner_command "destination add" "destination edit"' --long check-period \
    --exclusive --description 'In which all data is read once'
complete --command garner --condition '__garner_command "destination add" "destination edit"' --long access-keys \
    --require-parameter --force-files --description 'Where the keys to an S3 store are'
complete --command garner --condition '__garner_command "destination add" "destination edit"' --long region --exclusive \
    --description 'The region of an S3 bucket'
complete --command garner --condition '__garner_command "destination add" "destination edit"' --long addressing --exclusive \
    --arguments 'path virtual-host default' --description 'How an S3 bucket is named'
complete --command garner --condition '__garner_command "destination add" "destination edit"' --long storage-class --exclusive \
    --description 'The storage class of packs'
complete --command garner --condition '__garner_command "destination add" "destination edit"' --long ca-file \
    --require-parameter --force-files --description 'Authorities of the server'
complete --command garner --condition '__garner_command "destination add" "destination edit"' --long ssh-key \
    --require-parameter --force-files --description 'Where the key for an SFTP server is'
complete --command garner --condition '__garner_command "destination add" "destination edit"' --long ssh-passphrase-file \
    --require-parameter --force-files --description 'File with its passphrase'
complete --command garner --condition '__garner_command "destination add" "destination edit"' --long known-hosts \
    --require-parameter --force-files --description 'File with the key of the SFTP server'
complete --command garner --condition '__garner_command "destination edit"' --long index-from --exclusive \
    --arguments 'local self (__garner_destinations)' --description 'Where its index is read from'
complete --command garner --condition '__garner_command "destination edit"' --long accept-log --exclusive \
    --description 'Take a log that is refused as it is'
complete --command garner --condition '__garner_command "destination add"' --long single-writer \
    --description 'This machine alone writes there'
complete --command garner --condition '__garner_command "config export" "config apply"' --force-files
complete --command garner --condition '__garner_command "config apply"' --long remove-others \
    --description 'Remove what the file does not name'
complete --command garner --condition '__garner_command "destination add" "destination edit"' --long limit-upload --exclusive \
    --arguments none --description 'Write no faster than this'
complete --command garner --condition '__garner_command "destination add" "destination edit"' --long limit-download --exclusive \
    --arguments none --description 'Read no faster than this'
complete --command garner --condition '__garner_command "destination add" "destination edit" prune' --long max-unused --exclusive \
    --description 'How much of a pack may stay unused'
complete --command garner --condition '__garner_command "destination add" "destination edit" prune' --long max-rewrite --exclusive \
    --description 'What one prune copies at most'

complete --command garner --condition '__garner_command "set add" "set edit"' --long source --require-parameter \
    --force-files --description 'What to back up'
complete --command garner --condition '__garner_command "set add" "set edit" backup check repair prune key' --long destination \
    --exclusive --arguments '(__garner_destinations)' --description 'The destination'
complete --command garner --condition '__garner_command "set add" "set edit"' --long supply-from --exclusive \
    --arguments '(__garner_destinations)' --description 'The destination that supplies the others'
complete --command garner --condition '__garner_command "set add" "set edit"' --long supply --exclusive \
    --arguments both-ways --description 'Any destination supplies any other'
complete --command garner --condition '__garner_command "set edit"' --long no-supply \
    --description 'Read from the source what a destination lacks'
complete --command garner --condition '__garner_command "set add" "set edit"' --long one-file-system \
    --description 'Do not enter other file systems'
complete --command garner --condition '__garner_command "set add" "set edit"' --long exclude-caches \
    --description 'Leave out folders with CACHEDIR.TAG'
complete --command garner --condition '__garner_command "set add" "set edit"' --long rule --exclusive \
    --description 'CLASS PATTERN, as in .track files'
complete --command garner --condition '__garner_command "set edit"' --long no-rules \
    --description 'Take its rules away'
complete --command garner --condition '__garner_command ignore' --long all-of --exclusive \
    --description 'What that backup could not read'
complete --command garner --condition '__garner_command ignore' --force-files --short-option n --long dry-run \
    --description 'Only say which rules would be added'
complete --command garner --condition '__garner_command "set edit"' --long no-one-file-system \
    --description 'Enter other file systems'
complete --command garner --condition '__garner_command "set edit"' --long no-exclude-caches \
    --description 'Back up folders with CACHEDIR.TAG'
complete --command garner --condition '__garner_command "set add" "set edit"' --long schedule --exclusive \
    --arguments 'hourly daily weekly monthly' --description 'When to back up by itself'
complete --command garner --condition '__garner_command "set add" "set edit"' --long timezone --exclusive \
    --arguments 'system (timedatectl list-timezones 2>/dev/null)' --description 'Time zone of schedules and windows'
complete --command garner --condition '__garner_command "set add" "set edit"' --long random-delay --exclusive \
    --description 'Begin up to this much later'
complete --command garner --condition '__garner_command "set add" "set edit"' --long window --exclusive \
    --description 'When it may run'
complete --command garner --condition '__garner_command "set add" "set edit"' --long when --exclusive \
    --arguments 'on-ac-power destination command:' --description 'What must hold'
complete --command garner --condition '__garner_command "set add" "set edit"' --long overdue-after --exclusive \
    --description 'When it counts as overdue'
complete --command garner --condition '__garner_command "set add" "set edit"' --long command --exclusive \
    --description 'Back up what this command writes'
complete --command garner --condition '__garner_command "set add" "set edit"' --long as --exclusive \
    --description 'The file that its output becomes'
complete --command garner --condition '__garner_command "set add" "set edit"' --long command-timeout --exclusive \
    --description 'How long such a command may take'
complete --command garner --condition '__garner_command "set add" "set edit"' --long before --exclusive \
    --description 'Run before each backup'
complete --command garner --condition '__garner_command "set add" "set edit"' --long after --exclusive \
    --description 'Run when a backup is made'
complete --command garner --condition '__garner_command "set add" "set edit"' --long on-failure --exclusive \
    --description 'Run when a backup fails'
complete --command garner --condition '__garner_command "set add" "set edit"' --long hook-timeout --exclusive \
    --description 'How long each of these may take'
complete --command garner --condition '__garner_command "set edit"' --long no-source \
    --description 'Back up no path'
complete --command garner --condition '__garner_command "set edit"' --long no-command \
    --description 'Back up the output of no command'
complete --command garner --condition '__garner_command "set edit"' --long no-before \
    --description 'Run nothing before'
complete --command garner --condition '__garner_command "set edit"' --long no-after \
    --description 'Run nothing after'
complete --command garner --condition '__garner_command "set edit"' --long no-on-failure \
    --description 'Run nothing when a backup fails'
complete --command garner --condition '__garner_command "set edit"' --long no-schedule \
    --description 'Back up only when asked to'
complete --command garner --condition '__garner_command "set edit"' --long no-window --description 'Run at any time'
complete --command garner --condition '__garner_command "set edit"' --long no-when \
    --description 'Begin whatever holds'

complete --command garner --condition '__garner_command restore "key export"' --long to --require-parameter \
    --force-files --description 'Where to'
complete --command garner --condition '__garner_command copy' --long to --exclusive \
    --arguments '(__garner_destinations)' --description 'The destination that is to have it'
complete --command garner --condition '__garner_command restore' --long overwrite --exclusive \
    --arguments 'never older always' --description 'What of files that are there'
complete --command garner --condition '__garner_command restore repair forget prune "config apply"' --short n --long dry-run \
    --description 'Write nothing'
complete --command garner --condition '__garner_command check' --long read-data --description 'Read the content as well'
complete --command garner --condition '__garner_command forget "set add" "set edit"' --long keep-last --exclusive \
    --description 'How many to keep'
complete --command garner --condition '__garner_command forget "set add" "set edit"' --long keep-hourly --exclusive \
    --description 'How many to keep'
complete --command garner --condition '__garner_command forget "set add" "set edit"' --long keep-daily --exclusive \
    --description 'How many to keep'
complete --command garner --condition '__garner_command forget "set add" "set edit"' --long keep-weekly --exclusive \
    --description 'How many to keep'
complete --command garner --condition '__garner_command forget "set add" "set edit"' --long keep-monthly --exclusive \
    --description 'How many to keep'
complete --command garner --condition '__garner_command forget "set add" "set edit"' --long keep-quarterly --exclusive \
    --description 'How many to keep'
complete --command garner --condition '__garner_command forget "set add" "set edit"' --long keep-yearly --exclusive \
    --description 'How many to keep'
complete --command garner --condition '__garner_command forget "set add" "set edit"' --long keep-within --exclusive \
    --description 'Keep what is newer than this before the newest'
complete --command garner --condition '__garner_command prune' --long grace --exclusive \
    --description 'Leave alone for so long what a backup may need'
complete --command garner --condition '__garner_command "key add"' --long recovery --description 'Make a recovery key'
complete --command garner --condition '__garner_command "key add"' --long label --exclusive --description 'What to call it'
