package contract

import (
	"io"
	"reflect"
	"time"

	"github.com/phpsapi/phpsapi/fpm/zlog"
)

// A front is this program, executed by the master under the name FrontTitle, already without privileges. FrontEnvironment is set in
// its environment, to what ps is to call the process. Its descriptors are FrontControl, FrontSpec and from FrontFiles on those that
// Front.Files names. Standard input and output are /dev/null; standard error is the master's if nothing else is the error log.
//
//	master                                  front
//	  Front, on FrontSpec              ->     becomes what the Front says
//	                                   <-   Ready                  (or Log lines, and it exits)
//	  AccessLog + fd                   ->     writes the access log there from now on
//	  Certificates + fd                ->     the certificates again, as JSON in a memfd: []Certificate
//	                                   <-   Log, Lines
//	  Beat, as JSON []PoolSupply       ->     once a second
//	                                   <-   Beat, as JSON []PoolDemand   (or the front does not live)
//	                                   <-   Crowd, likewise, when requests wait for workers that there may be more of
//	  Inherit + fd                     ->     takes the connections that the front before it hands over on that channel
//	  Yield + fd                       ->     accepts no more, hands over idle connections on that channel, a Connection
//	                                          message each; without one it closes them
//	                                   <-   Yielded: no request that begins from now on is its own
//	                                          finishes what is under way, exits with status 0
//	  Quit                             ->     accepts no more, finishes what is under way, exits with status 0
//	  NoMore                           ->     see HTTP
//	  Rescue + fd, as JSON Rescued     ->     see HTTP
//	  is gone: end of file             ->     the same
//
// The control socket is as a worker's: one end of a SOCK_SEQPACKET pair, a packet for a message.
const (
	FrontEnvironment = "PHPSAPI_FPM_FRONT"
	FrontTitle       = "php-fpm: front process"
)

// The descriptors of a front.
const (
	FrontControl = 3
	FrontSpec    = 4
	FrontFiles   = 5
)

// Certificates brings certificates that changed.
const Certificates = 'T'

// Inherit brings a front its end of a channel to the front that it replaces. That has received the other end by Yield. On the channel a
// Connection message brings a connection that waits for a request, with the FrontListener.Address that it came to.
const Inherit = 'H'

// Beat, from the master, asks a front for a sign of life, and the front answers by a Beat. Crowd, from a front, tells that requests wait.
const (
	Beat  = 'B'
	Crowd = 'U'
)

// Lines is many messages for the error log, each in the form of Log, with line ends between them. A worker that speaks HTTP sends PHP's
// messages about a request by it; the master puts the pool's name before each line.
const Lines = 'M'

// Front is everything a front needs to know, besides its descriptors.
type Front struct {
	Generation int // counts from 1; a reload makes the next
	MasterPid  int

	Listeners []FrontListener
	// Sites are looked at in their order; the first that matches host and path answers.
	Sites []Site
	Pools []FrontPool
	// Direct is the pool whose workers accept from the listeners without TLS, see HTTP; empty: the front does.
	Direct string

	// TrustedProxies are the addresses and networks whose Forwarded and X-Forwarded-* headers count:
	// "10.0.0.0/8", "::1", "unix" for clients on unix sockets.
	TrustedProxies []string
	// StatusClients are the clients, likewise, who get a pool's status page.
	StatusClients []string
	Certificates  []Certificate
	Limits        FrontLimits
	// AccessLogFormat is "combined" or "json"; the log itself is the file FrontAccess, if there is one.
	AccessLogFormat string
	LogLevel        zlog.Level
	// Traces says that requests for scripts are in traces.
	Traces bool
	// LogJSON says that the error log is in JSON: what workers say of their requests goes there as Records.
	LogJSON bool

	// Slots is how many slots the scoreboard of fronts has, the file Scoreboard, and Slot is this front's; 0: there is none.
	Slots, Slot int

	// Files tell what the descriptors from FrontFiles on are, in their order.
	Files []File
}

// The descriptors a front may be passed. Those for listeners and pools come in the order of Listeners and of Pools.
const (
	FrontListen File = "http listen" // a listening socket
	FrontAccess File = "http access log"
	FrontPoolAt File = "pool"                        // O_PATH of a pool's nameless unix socket, where FrontPool.Network is ""
	FrontPoolTo File = "to a pool for other scripts" // the sending end for connections that are handed on, where it is Handed
)

// FrontListener is an address that clients connect to.
type FrontListener struct {
	Address string // as configured, for messages: "127.0.0.1:8080", "/run/x.sock"
	TLS     bool
}

// Site is what answers the requests for some hosts and paths.
type Site struct {
	// Hosts are names in lower case, without port: "example.org", "*.example.org" (any name below it). Empty: any.
	Hosts []string
	// Path is the prefix of the URL's path that the site answers, whole segments: "/blog" answers /blog and /blog/x.
	// Root is then what /blog is. Empty: all.
	Path string
	// Root is the directory of the files and scripts, absolute: DOCUMENT_ROOT.
	Root string
	// Index are the names of a directory's index, in order: "index.php", "index.html".
	Index []string
	// Controller is the script, below Root, for paths that are not files: "index.php". Empty: those are 404.
	Controller string
	// Extensions are the names' ends that are scripts: ".php". Nothing with such an end is sent as a file.
	Extensions []string
	// Pool is the name of the pool for the scripts.
	Pool string
	// Sendfile are directories besides Root, absolute, below which X-Sendfile may name files.
	Sendfile []string
	// Deny are files that are never sent, by name (*.sql, composer.lock) or place below Root (/data/, /vendor/*.json); of
	// the entries about a file the last decides, and one that begins with ! lets it be sent.
	Deny []string
	// Htaccess says that .htaccess files count which deny a whole directory.
	Htaccess bool
	// Precompressed are the content codings by which files may have been compressed beforehand, the ones first that are sent rather: "br",
	// "zstd", "gzip" for x.css.br, x.css.zst, x.css.gz beside x.css.
	Precompressed []string
	// Compress says which responses the front compresses; nil: none.
	Compress *Compression
	// Internal are paths that clients get 404 for and X-Accel-Redirect may name.
	Internal []InternalPath
}

// Compression says which responses are compressed, by gzip, for clients that take that.
type Compression struct {
	Types []string // media types in lower case, without parameters: "text/css", "text/*"
	Least int64    // bytes that a response has at least, if its length is known
}

// InternalPath says where the files of an internal path are: with "/private" in /srv/private, the file of
// /private/a.pdf is /srv/private/a.pdf.
type InternalPath struct {
	Path      string // the prefix, whole segments
	Directory string // absolute
}

// FrontPool is how to reach a pool.
type FrontPool struct {
	Name    string
	Network string // "unix" or "tcp"; "": the file FrontPoolAt; Handed: the file FrontPoolTo
	Address string
	// Connections is how many requests the front has the pool answer at once: its pm.max_children.
	Connections int
	// Chroot is the pool's chroot; paths passed to PHP are then below it.
	Chroot string
	// PingPath and StatusPath are the paths of the pool's own pages; empty: it has none.
	PingPath, StatusPath string
	// BodyBytes is the largest body of a request for the pool: a larger one is 413. 0: no bound.
	BodyBytes int64
	// Others is the name of the pool that runs the scripts which this pool's worker script does not answer. The worker script
	// answers those with the paths in For. Empty: the pool runs all scripts itself.
	Others string
	For    []string
}

// Handed is the FrontPool.Network of a pool whose workers get connections by messages, as Spec.Handed says. Each carries one
// request.
const Handed = "handed"

// Certificate is a certificate with its key, read by the master, who may.
type Certificate struct {
	Name string // the certificate's file, for messages
	Cert []byte // PEM, with the intermediate certificates
	Key  []byte // PEM
}

// FrontLimits bound what clients may take. Zero: no bound.
type FrontLimits struct {
	HeaderTimeout  time.Duration // for a request's head to come
	BodyTimeout    time.Duration // between two reads of a request's body, or two writes of a response
	IdleTimeout    time.Duration // of a kept connection
	RequestTimeout time.Duration // for a worker's next word: then 504
	ConnectTimeout time.Duration // for a connection to a pool: then 502
	QueueTimeout   time.Duration // for a worker to become free: then 503
	DrainTimeout   time.Duration // for requests under way when the front is to go
	Queue          int           // requests that wait for a worker, in each pool: more get 503
	HeaderBytes    int           // of a request's head
	SpoolBytes     int64         // of a response, in a file while its client is slow; 0: none
	SpoolTotal     int64         // of all temporary files
	Connections    int           // open at once: more wait in the backlog
}

// Encode writes the orders for a front.
func (f *Front) Encode(w io.Writer) error {
	_, err := w.Write(appendValue(nil, reflect.ValueOf(f).Elem()))
	return err
}

// DecodeFront reads what Encode wrote.
func DecodeFront(r io.Reader) (*Front, error) { return read[Front](r, "a front's") }
