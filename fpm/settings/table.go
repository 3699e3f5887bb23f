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
	Address  Kind = "addresses" // a list of :8080, 127.0.0.1:8080, [::1]:8080, unix:/path
)

// needed says whether a value of the kind cannot be empty.
func (k Kind) needed() bool {
	switch k {
	case Duration, Size, Number, Mode, Choice:
		return true
	}
	return false
}

// A Row is one setting.
type Row struct {
	Key     string
	Flag    string // its option, without dashes; empty: it has none
	Kind    Kind
	Default string   // as text
	Show    string   // the default in words, where the text does not say it
	Allowed []string // of a Choice
	Doc     string
}

// Environment is the name of a row's variable.
func (r *Row) Environment() string {
	return environmentPrefix + strings.ToUpper(strings.ReplaceAll(r.Key, ".", "_"))
}

const environmentPrefix = "PHPSAPI_"

// SettingsFlag and SettingsVariable name phpsapi.yaml itself.
const (
	SettingsFlag     = "settings"
	SettingsVariable = "PHPSAPI_SETTINGS"
	SetFlag          = "set"
)

// Table is all settings but the list of sites.
func Table() []Row {
	return []Row{
		{Key: "http.listen", Flag: "http", Kind: Address, Show: "none; without a php-fpm.conf " + DefaultListen,
			Doc: "Where HTTP is spoken: HTTP/1.1, and HTTP/2 with prior knowledge (h2c). Empty: there is no front."},
		{Key: "http.tls.listen", Kind: Address, Doc: "Where HTTPS is spoken, with the certificates below."},
		{Key: "http.tls.certificate", Kind: Paths, Doc: "PEM files of certificates, each with its intermediate ones. Read by the master, looked at every few seconds and taken anew when they change."},
		{Key: "http.tls.key", Kind: Paths, Doc: "PEM files of the keys, as many as certificates and in their order."},
		{Key: "http.unix_mode", Kind: Mode, Default: "0660", Doc: "The permissions of unix sockets among the addresses; the user of the front owns them, and by default the group www-data."},
		{Key: "http.root", Flag: "root", Kind: Path, Show: "none; without a php-fpm.conf the current directory",
			Doc: "The directory that is served: DOCUMENT_ROOT. Empty: only sites are served."},
		{Key: "http.index", Flag: "index", Kind: List, Default: "index.php,index.html", Doc: "What answers for a directory, the first that is there."},
		{Key: "http.controller", Kind: Text, Show: "the first script among http.index",
			Doc: "The script, below the root, that answers for paths that are no file. none: they are not found."},
		{Key: "http.extensions", Kind: List, Show: "the pool's security.limit_extensions",
			Doc: "Ends of names that are scripts. Nothing with such an end is ever sent as a file."},
		{Key: "http.pool", Kind: Text, Show: "the first of php-fpm.conf", Doc: "The pool that runs the scripts."},
		{Key: "http.sendfile", Kind: Paths, Doc: "Directories, besides the root, below which X-Sendfile may name files."},
		{Key: "http.deny", Kind: List, Default: "default", Show: "`default`, see FRONT.md",
			Doc: "Files that are never sent: *.sql and composer.lock by name, /data/ and /vendor/*.json by place below the root. The last entry about a file decides, !/data/ lets be sent what one before denies, default stands for the list in FRONT.md, none for nothing."},
		{Key: "http.htaccess", Kind: Choice, Default: "deny", Allowed: []string{"deny", "ignore"},
			Doc: "deny: a .htaccess that denies a whole directory to all counts, for scripts, too. ignore: these files are not looked at."},
		{Key: "http.user", Kind: Text, Show: "phpsapi if there is such a user, else number 65530",
			Doc: "The user of the front, if root starts it: the front is never root. By default it is a user that no pool has, so that scripts cannot signal it or read its memory."},
		{Key: "http.group", Kind: Text, Show: "the user's",
			Doc: "The group of the front. Without http.user and http.group it is also in www-data and, if all pools of its sites have one user, in that user's groups."},
		{Key: "http.trusted_proxies", Kind: List,
			Doc: "Addresses and networks (10.0.0.0/8, ::1, unix for clients on unix sockets) whose Forwarded and X-Forwarded-* headers count."},
		{Key: "http.status_clients", Kind: List, Default: "127.0.0.0/8,::1,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,169.254.0.0/16,fc00::/7,fe80::/10,unix",
			Doc: "Addresses and networks whose clients get the page of pm.status_path; for others, and for those that an untrusted proxy has spoken for, the path is one like any other. 0.0.0.0/0,::/0: all."},
		{Key: "http.access_log", Kind: Path, Doc: "The front's access log: a file, which the master opens, again at SIGUSR1; or stdout or stderr, which are the master's. Empty: none."},
		{Key: "http.access_format", Kind: Choice, Default: "combined", Allowed: []string{"combined", "json"}, Doc: "How its lines look."},
		{Key: "http.limits.header_timeout", Kind: Duration, Default: "10s", Doc: "How long the head of a request may take to come, and a TLS handshake."},
		{Key: "http.limits.body_timeout", Kind: Duration, Default: "30s", Doc: "How long a client may pause in a request's body, or in taking the response."},
		{Key: "http.limits.idle_timeout", Kind: Duration, Default: "75s", Doc: "How long a connection is kept between two requests."},
		{Key: "http.limits.request_timeout", Kind: Duration, Default: "60s", Doc: "How long a worker may be silent before its client gets a 504."},
		{Key: "http.limits.connect_timeout", Kind: Duration, Default: "5s", Doc: "How long a connection to a pool may take: then 502."},
		{Key: "http.limits.queue_timeout", Kind: Duration, Default: "10s", Doc: "How long a request waits for a free worker: then 503 with Retry-After."},
		{Key: "http.limits.drain_timeout", Kind: Duration, Default: "30s", Doc: "How long requests in hand have when the front is to go."},
		{Key: "http.limits.queue", Kind: Number, Default: "1000", Doc: "How many requests wait for each pool's workers: more get 503 at once."},
		{Key: "http.limits.header_size", Kind: Size, Default: "64K", Doc: "The largest head of a request: then 431."},
		{Key: "http.limits.body_size", Kind: Size, Default: Auto,
			Doc: "The largest body of a request: then 413. auto: 64M, or the post_max_size of the pool if that is more or none, by php.ini, options and php-fpm.conf; what .user.ini says is not known. 0: any; bodies are streamed or go to temporary files, never into memory."},
		{Key: "http.limits.spool_size", Kind: Size, Default: "1G",
			Doc: "How much of a response goes to a temporary file, in TMPDIR, while its client is too slow to take it, so that its worker is free. 0: none, slow clients hold workers."},
		{Key: "http.limits.spool_total", Kind: Size, Default: Auto,
			Doc: "How much all temporary files may take together, of responses and of bodies that are not streamed: then slow clients hold workers, and bodies get 503. auto: half of what TMPDIR has free when the front starts, 4G at most. 0: no limit."},
		{Key: "http.limits.connections", Kind: Number, Default: "16000", Doc: "Connections open at once; more wait in the backlog. 0: as many as there are descriptors."},
		{Key: "php.pcntl", Kind: Choice, Default: "off", Allowed: []string{on, "off"},
			Doc: "Whether scripts have the extension pcntl, which Debian's libphp has built in and its php-fpm does not have."},
	}
}

// on is the value of a setting that is switched on.
const on = "on"

// Auto is the text of a Size that is found out.
const Auto = "auto"

// DefaultListen is where a service without a php-fpm.conf listens unless told otherwise.
const DefaultListen = "127.0.0.1:8080"

// siteKeys are the keys of an entry of sites, with what they mean.
func siteKeys() []Row {
	return []Row{
		{Key: "hosts", Kind: List, Doc: "Host names, without port: example.org, *.example.org for any name below it. Empty: any."},
		{Key: "path", Kind: Text, Doc: "The prefix of the URL's path that the site answers, whole segments; the root is what it stands for. Empty: all."},
		{Key: "root", Kind: Path, Doc: "As http.root; needed."},
		{Key: "index", Kind: List, Doc: "As http.index, which it is where not given; so with all that follow."},
		{Key: "controller", Kind: Text, Doc: "As http.controller."},
		{Key: "extensions", Kind: List, Doc: "As http.extensions."},
		{Key: "pool", Kind: Text, Doc: "As http.pool."},
		{Key: "sendfile", Kind: Paths, Doc: "As http.sendfile."},
		{Key: "deny", Kind: List, Doc: "As http.deny."},
		{Key: "htaccess", Kind: Choice, Allowed: []string{"deny", "ignore"}, Doc: "As http.htaccess."},
		{Key: "internal", Kind: Text, Doc: "A map from paths, which clients get 404 for and X-Accel-Redirect may name, to the directories of their files."},
	}
}

// find gives the row of a key.
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
