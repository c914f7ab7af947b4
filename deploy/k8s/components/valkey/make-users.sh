# Writes the file of users from the rights beside this script and the password in the environment.
set -eu
umask 077
printf 'user default off\nuser milepost on #%s %s\n' \
    "$(printf %s "$VALKEY_PASSWORD" | sha256sum | cut -d ' ' -f 1)" \
    "$(cat "$CONFIG/user.acl")" >"$USERS"
