package control

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
)

// Command is what is asked for.
type Command string

// The commands.
const (
	// Reload does what SIGUSR2 does. The Answer after the outcome has Generation or Failed; with Request.Drained
	// another follows when the generations before have ended.
	Reload Command = "reload"
	// Upgrade is a Reload that executes the program that is installed by now, in the master's place. The Answer after the outcome is
	// that program's, and has Version and From.
	Upgrade Command = "upgrade"
	// Stop does what SIGQUIT does, but without process_control_timeout it waits for requests without a limit; with
	// Request.Now it does what SIGTERM does. No Answer is the last: the connection ends
	// with the master.
	Stop Command = "stop"
	// Status answers at once, with Status.
	Status Command = "status"
	// LastIncidents answers at once, with Incidents: the last Request.Count of Request.Pool.
	LastIncidents Command = "incidents"
	// SlowRequests answers at once, with Slow: the last Request.Count of Request.Pool that request_slowlog_timeout was too short for.
	SlowRequests Command = "slow"
	// Requests answers at once, with Requests: those that Request.Pool runs, or all pools.
	Requests Command = "requests"
	// Kill ends the request of the worker Request.Pid, by SIGTERM and after request_kill_timeout by SIGKILL, or with Request.Now by
	// SIGKILL at once. The Answer comes when the worker has ended, and has Killed. With Request.Accepted it is refused if the worker
	// has another request by now.
	Kill Command = "kill"
	// AskHealth answers at once, with Health: of Request.Pool, or of all.
	AskHealth Command = "health"
	// Pause has the pool Request.Pool take no connections: its workers finish their requests and leave, and what comes waits. Drain does
	// the same, and its Answer comes when the last of the pool's workers has left, those of old generations among them. Resume
	// undoes it, and its Answer comes when a worker is ready. Scale gives the pool Request.Count workers at most. The Answers
	// have Steered. All of that holds until the next reload.
	Pause  Command = "pause"
	Drain  Command = "drain"
	Resume Command = "resume"
	Scale  Command = "scale"
	// ConfigDiff tells what a reload would change, with Diff.
	ConfigDiff Command = "config diff"
	// LogLevel answers at once, with Logging: the level from which messages are logged, after it was made Request.Level if that is not
	// empty. It holds until the next reload.
	LogLevel Command = "log-level"
	// OpcacheStatus answers within two seconds, with Caches: of the PHP that Request.Pool runs on, or of all. OpcacheReset has that opcache forget all
	// scripts. Its Answer comes when a worker has done it, and has Caches.
	OpcacheStatus Command = "opcache status"
	OpcacheReset  Command = "opcache reset"
	// MakeProfile has the workers of Request.Pool, or of all pools, take samples of PHP's stack for Request.Count seconds, Request.Rate a second. Answers
	// with Samples come meanwhile, and the last one has Profile.
	MakeProfile Command = "profile"
)

// commands are all that there are.
var commands = [...]Command{Reload, Upgrade, Stop, Status, LastIncidents, SlowRequests, Requests, Kill, AskHealth, Pause, Drain, Resume, Scale,
	ConfigDiff, LogLevel, OpcacheStatus, OpcacheReset, MakeProfile}

// Reloads reports whether a command is a reload.
func (c Command) Reloads() bool { return c == Reload || c == Upgrade }

// Request is what an operator asks for.
type Request struct {
	Command Command `json:"command"`
	Now     bool    `json:"now,omitempty"`     // of Stop: do not wait for requests; of Kill: by SIGKILL
	Drained bool    `json:"drained,omitempty"` // of Reload: wait for the old generations too
	Full    bool    `json:"full,omitempty"`    // of Status: each worker
	Pool    string  `json:"pool,omitempty"`    // the pool that is meant; of LastIncidents, SlowRequests, Requests, AskHealth and those of opcache empty for all
	Count   int     `json:"count,omitempty"`   // of LastIncidents and SlowRequests, 0 for all that are remembered; of Scale; of MakeProfile
	Pid     int     `json:"pid,omitempty"`     // of Kill: the worker's, as Requests tells it
	Rate    int     `json:"rate,omitempty"`    // of MakeProfile
	Level   string  `json:"level,omitempty"`   // of LogLevel: alert, error, warning, notice or debug; empty: as it is

	Accepted int64 `json:"accepted,omitempty"` // of Kill: RunningRequest.Accepted of the request that is meant; 0: any
}

// Changes reports whether a request changes something, beyond what it is told.
func (r *Request) Changes() bool {
	switch r.Command {
	case Status, LastIncidents, SlowRequests, Requests, AskHealth, ConfigDiff, OpcacheStatus, MakeProfile:
		return false
	case LogLevel:
		return r.Level != ""
	}
	return true
}

// Words returns the request as the words of a command line.
func (r *Request) Words() string {
	words := string(r.Command)
	if r.Pool != "" {
		words += " " + r.Pool
	}
	if r.Command == Scale {
		words += " " + strconv.Itoa(r.Count)
	}
	if r.Level != "" {
		words += " " + r.Level
	}
	if r.Pid != 0 {
		words += " " + strconv.Itoa(r.Pid)
	}
	if r.Now {
		words += " --now"
	}
	return words
}

// MaxRequest is the longest line of a Request, in bytes.
const MaxRequest = 4 << 10

// Reason is why a Request failed, for programs.
type Reason string

// The reasons.
const (
	Failed    Reason = "failed"        // it was tried
	Refused   Reason = "refused"       // it was not, or is not a request
	Denied    Reason = "denied"        // the operator may not ask
	BadConfig Reason = "configuration" // the configuration was refused, or what it names cannot be had
)

// Answer is what the master says.
type Answer struct {
	Done   bool   `json:"done,omitempty"` // no other Answer follows
	Reason Reason `json:"reason,omitempty"`
	Why    string `json:"why,omitempty"` // for people; set where Reason is
	// Lines are warnings and errors that belong to the answer, as in the error log, but without time.
	Lines []string `json:"lines,omitempty"`

	Generation int        `json:"generation,omitempty"` // of Reload: which serves now
	Version    string     `json:"version,omitempty"`    // of phpsapi, if a program has taken over from another
	From       string     `json:"from,omitempty"`       // the other's
	Progress   *Progress  `json:"progress,omitempty"`   // about once a second, while something is waited for
	Status     *Report    `json:"status,omitempty"`
	Incidents  *Incidents `json:"incidents,omitempty"`
	Slow       *Slow      `json:"slow,omitempty"`
	Requests   *Running   `json:"requests,omitempty"`
	Killed     *Killed    `json:"killed,omitempty"`
	Health     *Health    `json:"health,omitempty"`
	Steered    *Steered   `json:"steered,omitempty"`
	Diff       *Diff      `json:"diff,omitempty"`
	Logging    *Logging   `json:"logging,omitempty"`
	Caches     *Caches    `json:"caches,omitempty"`
	Samples    []Samples  `json:"samples,omitempty"`
	Profile    *Profile   `json:"profile,omitempty"`
}

// Progress is what a stop, or the end of old generations, still waits for.
type Progress struct {
	Workers  int `json:"workers"`       // that have not ended
	Requests int `json:"requests"`      // that they have
	Cut      int `json:"cut,omitempty"` // requests that are being aborted, because their time is over or by Request.Now
}

// Write sends a Request or an Answer.
func Write(w io.Writer, message any) error {
	line, err := json.Marshal(message)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

var errTooLong = errors.New("the request is too long")

// ReadRequest reads a Request from an untrusted connection. It reads no more than MaxRequest bytes.
func ReadRequest(r io.Reader) (Request, error) {
	var request Request
	if err := readLine(r, MaxRequest, &request); err != nil {
		return request, err
	}
	if !slices.Contains(commands[:], request.Command) {
		return request, fmt.Errorf("unknown command %.20q", request.Command)
	}
	return request, nil
}

// readLine reads a line of at most most bytes, which is a request in JSON.
func readLine(r io.Reader, most int, request any) error {
	line, err := bufio.NewReaderSize(r, most).ReadSlice('\n')
	switch {
	case err == bufio.ErrBufferFull:
		return errTooLong
	case err != nil:
		return fmt.Errorf("no request: %w", err)
	}
	if err := json.Unmarshal(line, request); err != nil {
		return fmt.Errorf("no request: %w", err)
	}
	return nil
}

// Many returns a number with what it counts: "1 worker", "2 workers".
func Many[N int | uint64](n N, one string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatUint(uint64(n), 10) + " " + one + "s"
}
