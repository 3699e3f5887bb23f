// Package incident is what the master knows of the abnormal ends of workers and requests: an Incident for each, the last of them
// (Ring), and the scripts that end workers again and again (Killers). It is pure: it starts nothing and reads no clock.
//
// Most fields of an Incident come from the worker, a process that runs what its pool's user wants and that may be broken: they may be
// false. All texts are bounded, and have no characters that could end a line or move a terminal's cursor. docs/INCIDENTS.md tells
// operators what the fields are.
package incident
