// Package security starts the real program and has scripts try what they must not be able to do: docs/SECURITY.md has what is promised.
package security
