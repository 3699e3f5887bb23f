// Package observe tests metrics and health with the real program: what is told while workers are stuck, what is counted, and what happens if
// the process that tells it dies.
package observe
