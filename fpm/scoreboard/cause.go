package scoreboard

// Cause is why a worker has ended.
type Cause int

// The causes. Those from CauseCrash on are abnormal, and have the names of package incident's kinds.
const (
	CauseDone Cause = iota // after pm.max_requests, by a reload or a stop, or otherwise of its own accord
	CauseIdle              // the process manager had too many idle ones
	CauseCrash
	CauseKilled
	CauseOutOfMemory
	CauseTimeout
	CauseExit
	CausePanic
	CauseFatal
	CauseScriptExit
	CauseBoot
	CauseOperator
	CauseOther // a kind that has no cause of its own

	Causes int = iota
)

// String returns the cause's name, as it is in metrics.
func (e Cause) String() string {
	return [Causes]string{"done", "idle", "crash", "killed", "out of memory", "timeout", "exit", "panic", "fatal", "script exit", "boot", "operator", "other"}[e]
}

// CauseOf returns the cause with a name, or CauseOther if there is none.
func CauseOf(name string) Cause {
	for e := range Cause(Causes) {
		if e.String() == name {
			return e
		}
	}
	return CauseOther
}
