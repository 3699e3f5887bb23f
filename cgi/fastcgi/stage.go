package fastcgi

// Stage is where a connection is in the life of a request.
//
//	Idle → Params → Stdin → (filter: Data →) Done → Idle
//	       any of them → Closed
//
// Only Finish leads from Done back to Idle, so no byte of a body is ever in
// the place where the next request's first record is looked for.
type Stage uint8

// The stages, in order.
const (
	StageIdle     Stage = iota // no request: ReadRequest may be called
	StageParams                // BEGIN_REQUEST has come
	StageStdin                 // params are complete
	StageData                  // a filter's STDIN has ended, its DATA has not
	StageDone                  // the request's input has ended or was aborted
	StageClosed                // the connection is to be closed
	stageResponse              // a client is reading
)

// String completes "while …" in an error.
func (s Stage) String() string {
	switch s {
	case StageIdle:
		return "waiting for a request"
	case StageParams:
		return "reading params"
	case StageStdin:
		return "reading stdin"
	case StageData:
		return "reading data"
	case StageDone:
		return "answering"
	case StageClosed:
		return "closing"
	case stageResponse:
		return "reading a response"
	}
	return "in no stage"
}
