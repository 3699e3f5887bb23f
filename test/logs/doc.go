// Package logs tests what the real program logs in JSON (docs/LOGS.md).
package logs
