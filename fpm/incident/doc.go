// Package incident is what the master knows of the abnormal ends of workers and requests: an Incident for each, the last of them
// (Ring), and the scripts that end workers again and again (Killers). It is pure: it starts nothing and reads no clock.
//
// Most of an Incident is the word of a process that runs what its pool's user wants, and that is broken. All of it is bounded, and
// without characters that could end a line or move a terminal's cursor. docs/INCIDENTS.md tells operators what the fields are.
package incident
