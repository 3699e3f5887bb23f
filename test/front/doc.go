// Package front starts the real program with an HTTP front, and sees what clients see when processes die, settings
// change and the service ends.
package front
