// Package logs tests what the real program logs in JSON (docs/LOGS.md), and the traces of its requests
// (docs/TRACES.md), with a collector of its own.
package logs
