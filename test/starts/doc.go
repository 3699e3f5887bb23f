// Package starts has the real program fail to start in every way there is, and looks at the exit status and the reason.
package starts
