// Package permission finds out what a file's owner, group, mode and access control list allow a user: acl(5). It does not know of capabilities
// and security modules.
package permission
