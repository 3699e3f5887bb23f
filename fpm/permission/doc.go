// Package permission is what a file's owner, group and mode, and its access control list, allow a user: acl(5). It asks the kernel for
// nothing but lists, and knows nothing of capabilities and security modules.
package permission
