package settings

import (
	"slices"
	"strings"
)

// Kind is what a value is.
type Kind string

// The kinds of values.
const (
	Text     Kind = "text"
	Path     Kind = "path"      // relative ones begin where the flag or variable was given, or at phpsapi.yaml
	List     Kind = "list"      // in YAML a list; elsewhere, and in YAML too, separated by commas
	Paths    Kind = "paths"     // a list of Path
	Duration Kind = "time"      // 30s, 1m30s, 500ms; a bare number is seconds
	Size     Kind = "size"      // bytes: 65536, 64K, 8M, 1G
	Number   Kind = "number"    // from 0 on
	Mode     Kind = "mode"      // octal
	Choice   Kind = "one of"    // of Row.Allowed
	Ratio    Kind = "share"     // from 0 to 1
	Address  Kind = "addresses" // a list of :8080, 127.0.0.1:8080, [::1]:8080, unix:/path
)

// needed reports whether a value of the kind cannot be empty.
func (k Kind) needed() bool {
	switch k {
	case Duration, Size, Number, Mode, Choice, Ratio:
		return true
	}
	return false
}

// A Row is one setting.
type Row struct {
	Key     string
	Flag    string // its option, without dashes; empty: it has none
	Alone   string // the value if the option is given without one; empty: it needs one
	Kind    Kind
	Default string   // as text
	Show    string   // the default in words, where the text does not say it
	Allowed []string // of a Choice; of a List's entries, if there are some
	Zero    string   // what 0 means of a Duration or a Size, after "or 0 for"; empty: no limit
	Doc     string
}

// Environment returns the name of a row's variable.
func (r *Row) Environment() string {
	return environmentPrefix + strings.ToUpper(strings.ReplaceAll(r.Key, ".", "_"))
}

const environmentPrefix = "PHPSAPI_"

// engineKey is the key of the setting that names the engine. It has engines.Variable and engines.Option.
const engineKey = "engine"

// watchKey is the key of the directories that are watched.
const watchKey = "watch"

// incidentLogKey is the key of the incident log.
const incidentLogKey = "incident_log"

// shutdownDelayKey is the key of the time for which a service that is to end keeps serving.
const shutdownDelayKey = "shutdown_delay"

// logFormatKey is the key of the form of all logs, accessFormatKey that of the front's access log.
const (
	logFormatKey    = "log.format"
	accessFormatKey = "http.access_format"
)

// json is the value of both by which lines are objects.
const json = "json"

// MetricsKey is the key of the addresses of metrics and health.
const MetricsKey = "metrics.listen"

// apacheKey is the key of the setting by which the service is that of httpd's module.
const apacheKey = "apache"

// directKey is the key of the setting by which workers speak HTTP.
const directKey = "http.direct"

// SettingsFlag and SettingsVariable name phpsapi.yaml itself.
const (
	SettingsFlag     = "settings"
	SettingsVariable = "PHPSAPI_SETTINGS"
	SetFlag          = "set"
)

// Table returns all settings but the list of sites.
func Table() []Row {
	return slices.Concat(ownRows(), dashboardRows(), tracesRows(), []Row{
		{Key: apacheKey, Kind: Choice, Default: "off", Allowed: []string{on, "off"},
			Doc: "Set by mod_phpsapi for the service that httpd starts with PHPSAPIMode pool, see [APACHE.md](APACHE.md): the workers are for that module, and speak no FastCGI."},
		{Key: "php.pcntl", Kind: Choice, Default: "off", Allowed: []string{on, "off"},
			Doc: "Whether scripts have the extension pcntl. Debian's libphp contains it, Debian's php-fpm does not."},
	})
}

func ownRows() []Row {
	return []Row{
		{Key: engineKey, Flag: "engine", Kind: Text, Show: "the machine's php, see ENGINES.md",
			Doc: "The PHP that runs: a version such as 8.4, or the path of a libphp or of an engine. A reload takes another."},
		{Key: workerKey, Flag: "worker", Kind: Path, Show: "none",
			Doc: "The worker script of http.pool: worker mode, see [WORKER.md](WORKER.md). More can be set by pool. http.root is then the script's directory, if it is not set."},
		{Key: watchKey, Flag: "watch", Alone: on, Kind: Paths, Show: "none",
			Doc: "For development: the directories in which a change of a file reloads the service. `on`, or the option alone: those of the worker scripts, or if there are none the roots. Hidden directories, var, storage, cache and their like are left out."},
		{Key: incidentLogKey, Kind: Path, Show: "none; the last incidents are remembered all the same",
			Doc: "A file that gets a line of JSON for each abnormal end of a worker or a request, see [INCIDENTS.md](INCIDENTS.md). The master opens it at the start, with mode 0600, and again on SIGUSR1."},
		{Key: shutdownDelayKey, Kind: Duration, Default: "0s", Zero: "no delay",
			Doc: "How long the service continues as before after QUIT or `phpsapi fpm stop`, while /readyz says that it is not ready, so that load balancers send their requests elsewhere before connections are refused. A second QUIT, or TERM, ends the wait. 0: no delay."},
		{Key: logFormatKey, Kind: Choice, Default: "php-fpm", Allowed: []string{"php-fpm", json},
			Doc: "The form of error log, access logs and slow logs, see [LOGS.md](LOGS.md). php-fpm: its own. json: an object a line, of any length; each error of PHP's names its request."},
		{Key: "http.listen", Flag: "http", Kind: Address, Show: "none; without a php-fpm.conf " + DefaultListen,
			Doc: "The addresses for HTTP: HTTP/1.1, and HTTP/2 with prior knowledge (h2c). A process of its own, the front, serves them. Empty: no front."},
		{Key: "http.tls.listen", Kind: Address, Doc: "The addresses for HTTPS, with the certificates below."},
		{Key: "http.tls.certificate", Kind: Paths, Doc: "PEM files of certificates, each with its intermediate ones. The master reads them at the start, and again when they change."},
		{Key: "http.tls.key", Kind: Paths, Doc: "PEM files of the keys, one for each certificate, in the same order."},
		{Key: "http.unix_mode", Kind: Mode, Default: "0660", Doc: "The permissions of unix sockets among the addresses. The front's user owns them; their group is www-data by default."},
		{Key: directKey, Kind: Choice, Default: Auto, Allowed: []string{Auto, "off"},
			Doc: "auto: the workers accept HTTP/1.1 without TLS themselves, and the front answers what they hand over, if all sites are of one pool that is neither ondemand nor has a chroot; `-tt` shows whether they do. off: the front accepts all connections."},
		{Key: "http.root", Flag: "root", Kind: Path, Show: "none; without a php-fpm.conf the current directory",
			Doc: "The directory to serve: DOCUMENT_ROOT. Empty: only the sites are served."},
		{Key: "http.index", Flag: "index", Kind: List, Default: "index.php,index.html", Doc: "The files that answer for a directory; the first that exists does."},
		{Key: "http.controller", Kind: Text, Show: "the first script among http.index, or if that is not there the worker script",
			Doc: "The script, below the root, that answers for a path that is not a file. none: 404."},
		{Key: "http.extensions", Kind: List, Show: "the pool's security.limit_extensions",
			Doc: "The extensions of scripts. A file with one of them is never sent as it is."},
		{Key: "http.pool", Kind: Text, Show: "the first of php-fpm.conf", Doc: "The pool that runs the scripts."},
		{Key: "http.sendfile", Kind: Paths, Doc: "Further directories from which X-Sendfile may name files."},
		{Key: "http.deny", Kind: List, Default: "default", Show: "`default`, see FRONT.md",
			Doc: "Files that are never sent: *.sql and composer.lock by name, /data/ and /vendor/*.json by place below the root. The last entry that matches a file decides; !/data/ allows everything below /data/, whatever its name, data/x.sql too. default is the list in FRONT.md, none is empty."},
		{Key: "http.htaccess", Kind: Choice, Default: "deny", Allowed: []string{"deny", "ignore"},
			Doc: "deny: obey a .htaccess that denies a whole directory to all, for scripts too. ignore: do not read these files."},
		{Key: "http.precompressed", Kind: List, Allowed: codings(),
			Doc: "The content codings by which files have been compressed beforehand: of style.css, br is style.css.br, zstd style.css.zst and gzip style.css.gz. A client that takes one gets that file, if it is as new as the original. If a client takes several equally well it gets the first. Empty: none."},
		{Key: "http.compress", Kind: Choice, Default: "off", Allowed: []string{"gzip", "off"},
			Doc: "gzip: the front compresses responses, of scripts and of files, for clients that take that. With it the workers do not accept HTTP themselves. See FRONT.md for what is compressed, and for what must not be (BREACH)."},
		{Key: "http.compress_types", Kind: List, Default: "default", Show: "`default`, see FRONT.md",
			Doc: "The media types that are compressed: text/css, text/* for all of a kind. default is the list in FRONT.md."},
		{Key: "http.compress_min", Kind: Size, Default: "1K", Zero: "responses of any length", Doc: "The shortest response that is compressed. 0: any. A response whose length is not known before it is sent is always compressed."},
		{Key: "http.user", Kind: Text, Show: "phpsapi if there is such a user, else number 65530",
			Doc: "The user of the front, if root starts it: the front never runs as root. The default is a user that no pool has, so that scripts cannot signal the front or read its memory."},
		{Key: "http.group", Kind: Text, Show: "the user's",
			Doc: "The group of the front. Without http.user and http.group, the front is also in www-data and, if all pools of its sites have the same user, in that user's groups."},
		{Key: "http.trusted_proxies", Kind: List,
			Doc: "Addresses and networks whose Forwarded and X-Forwarded-* headers are believed: 10.0.0.0/8, ::1, or unix for clients on unix sockets."},
		{Key: "http.status_clients", Kind: List, Default: "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,fc00::/7,fe80::/10,unix",
			Doc: "Addresses and networks whose clients get the page of pm.status_path. For others, and for clients of an untrusted proxy, it is a path like any other. 0.0.0.0/0,::/0: all."},
		{Key: "http.access_log", Kind: Path, Doc: "The front's access log: a file, or the master's `stdout` or `stderr`. A daemon (-D) refuses `stdout`; its `stderr` is error_log, if that is a file. The master opens the file at the start, and again on SIGUSR1. Empty: none."},
		{Key: accessFormatKey, Kind: Choice, Default: "combined", Show: "`combined`, or `json` if log.format is", Allowed: []string{"combined", json}, Doc: "The format of the access log."},
		{Key: "http.limits.header_timeout", Kind: Duration, Default: "10s", Doc: "How long a client may take to send the head of a request, or for a TLS handshake."},
		{Key: "http.limits.body_timeout", Kind: Duration, Default: "30s", Doc: "How long a client may pause while it sends a body or receives a response."},
		{Key: "http.limits.idle_timeout", Kind: Duration, Default: "75s", Doc: "How long a connection is kept between two requests."},
		{Key: "http.limits.request_timeout", Kind: Duration, Default: "60s", Doc: "How long a worker may be silent before its client gets a 504."},
		{Key: "http.limits.connect_timeout", Kind: Duration, Default: "5s", Doc: "How long connecting to a pool may take; then 502."},
		{Key: "http.limits.queue_timeout", Kind: Duration, Default: "10s", Doc: "How long a request waits for a free worker; then 503 with Retry-After."},
		{Key: "http.limits.drain_timeout", Kind: Duration, Default: "30s", Doc: "How long current requests may take after the front was told to stop."},
		{Key: "http.limits.queue", Kind: Number, Default: "1000", Doc: "How many requests may wait for the workers of a pool; more get 503 at once."},
		{Key: "http.limits.header_size", Kind: Size, Default: "64K", Doc: "The largest head of a request; a larger one gets 431. 1 to 4096 count as 4097. 0: no limit."},
		{Key: "http.limits.body_size", Kind: Size, Default: Auto,
			Doc: "The largest body of a request; a larger one gets 413. auto: 64M, or the pool's post_max_size if that is larger or unlimited (from php.ini, options and php-fpm.conf, not .user.ini). 0: no limit. Bodies are streamed or stored in temporary files, never in memory."},
		{Key: "http.limits.spool_size", Kind: Size, Default: "1G", Zero: "nothing in files",
			Doc: "How much of a response may be stored in a temporary file, in TMPDIR, for a slow client, so that its worker is free. 0: nothing; slow clients occupy workers."},
		{Key: "http.limits.spool_total", Kind: Size, Default: Auto,
			Doc: "The largest size of all temporary files together. Beyond it slow clients occupy workers, and bodies that cannot be streamed get 503. auto: half of the free space of TMPDIR when the front starts, at most 4G. 0: no limit."},
		{Key: "http.limits.connections", Kind: Number, Default: "16000", Doc: "How many connections may be open at once; more wait in the backlog. 0: as many as there are descriptors."},
		{Key: MetricsKey, Flag: "metrics", Kind: Address, Show: "none; without a php-fpm.conf " + DefaultMetrics + " if that is free",
			Doc: "The addresses for metrics and health: /metrics, /livez, /readyz, /startupz, see [METRICS.md](METRICS.md). Everybody who can connect can read them. off, or empty: none."},
		{Key: "metrics.unix_mode", Kind: Mode, Default: "0660", Doc: "The permissions of unix sockets among these addresses. Their owner is the master's user."},
	}
}

// on and off are the values of a setting that is switched on or off.
const (
	on  = "on"
	off = "off"
)

// Auto is the text of a Size that is found out.
const Auto = "auto"

// DefaultListen is where a service without a php-fpm.conf listens unless told otherwise.
const DefaultListen = "127.0.0.1:8080"

// DefaultMetrics is where such a service tells metrics and health.
const DefaultMetrics = "127.0.0.1:9253"

// siteKeys are the keys of an entry of sites, with what they mean.
func siteKeys() []Row {
	return []Row{
		{Key: "hosts", Kind: List, Doc: "Host names without a port: example.org, or *.example.org for every name below it. Empty: all hosts."},
		{Key: "path", Kind: Text, Doc: "The prefix of the paths that the site answers, in whole segments; it stands for the root. Empty: all paths."},
		{Key: "root", Kind: Path, Doc: "As http.root. Required."},
		{Key: "index", Kind: List, Doc: "As http.index. This and all that follow have the value of http if a site does not set them."},
		{Key: "controller", Kind: Text, Doc: "As http.controller."},
		{Key: "extensions", Kind: List, Doc: "As http.extensions."},
		{Key: "pool", Kind: Text, Doc: "As http.pool."},
		{Key: workerKey, Kind: Path, Doc: "As `worker`: the worker script of the site's pool. More can be set by pool."},
		{Key: "sendfile", Kind: Paths, Doc: "As http.sendfile."},
		{Key: "deny", Kind: List, Doc: "As http.deny."},
		{Key: "htaccess", Kind: Choice, Allowed: []string{"deny", "ignore"}, Doc: "As http.htaccess."},
		{Key: "precompressed", Kind: List, Allowed: codings(), Doc: "As http.precompressed."},
		{Key: "compress", Kind: Choice, Allowed: []string{"gzip", "off"}, Doc: "As http.compress."},
		{Key: "compress_types", Kind: List, Doc: "As http.compress_types."},
		{Key: "compress_min", Kind: Size, Zero: "responses of any length", Doc: "As http.compress_min."},
		{Key: "internal", Kind: Text, Doc: "A map from paths to directories, for X-Accel-Redirect alone. A path counts from the host's root and from `path`: with `path: /blog`, /private is /private and /blog/private. Clients get 404 for both, from every site of the same hosts. They get 404 as well for a file of these directories that is below the root of any site."},
	}
}

// codings returns the content codings that files may be precompressed by; see package site.
func codings() []string { return []string{"br", "zstd", "gzip"} }

// find returns the row of a key.
func find(table []Row, key string) *Row {
	if i := slices.IndexFunc(table, func(r Row) bool { return r.Key == key }); i >= 0 {
		return &table[i]
	}
	return nil
}

// keys are the keys of a table.
func keys(table []Row) []string {
	var all []string
	for _, r := range table {
		all = append(all, r.Key)
	}
	return all
}
