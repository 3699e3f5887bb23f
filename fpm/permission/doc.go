// Package permission computes whether a user, with its groups, may read, write or execute a file, from the file's owner, group, mode and
// access control list, as acl(5) has it. The master is root when it checks what the front or a worker will be able to reach, so it cannot just try. Capabilities and
// security modules are not considered. The package reads files' metadata and keeps nothing.
package permission
