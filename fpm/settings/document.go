package settings

import (
	"fmt"
	"io"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/conf"
)

// Usage prints phpsapi's own options in the form of php-fpm's usage text.
func Usage(w io.Writer) {
	for _, o := range [][2]string{
		{"--engine <version>|<file>", "Run this PHP: 8.4, or the path of a libphp"},
		{"--worker <script>", "Worker mode: this script boots the application once and answers one request after another"},
		{"--watch[=<dirs>]", "Reload when a file of the application changes"},
		{"--http <addresses>", "Listen for HTTP on these addresses: :8080, 127.0.0.1:8080, unix:/path"},
		{"--root <dir>", "Serve the files and scripts of this directory"},
		{"--index <files>", "The files that answer for a directory; the first is the script for paths that are not files"},
		{"--metrics <addresses>", "Serve metrics and health at these addresses: 127.0.0.1:9253, unix:/path, off"},
		{"--dashboard <addresses>", "Show the dashboard at these addresses: 127.0.0.1:9254, unix:/path"},
		{"--set <pool>.<directive>=<value>", "Override php-fpm.conf; global.<directive>=<value> for [global]"},
		{"--settings <file>", "Read phpsapi's own settings from this file"},
	} {
		fmt.Fprintf(w, "  %s\n                   %s\n", o[0], o[1])
	}
	fmt.Fprint(w, "\nphpsapi's own settings, as variables of the environment:\n")
	for _, r := range Table() {
		fmt.Fprintf(w, "  %s\n                   %s\n", r.Environment(), withoutMarks(r.Doc))
	}
}

// withoutMarks returns a text of Markdown for a terminal: links by their texts, and code without its quotes.
func withoutMarks(text string) string {
	text = strings.ReplaceAll(text, "`", "")
	for {
		before, rest, ok := strings.Cut(text, "](")
		open := strings.LastIndexByte(before, '[')
		_, after, closed := strings.Cut(rest, ")")
		if !ok || open < 0 || !closed {
			return text
		}
		text = before[:open] + before[open+1:] + after
	}
}

// Document writes docs/SETTINGS.md.
func Document(w io.Writer) {
	fmt.Fprint(w, head)
	fmt.Fprint(w, "| key of phpsapi.yaml | variable | option | value | default |  |\n|---|---|---|---|---|---|\n")
	for _, r := range Table() {
		option := ""
		if r.Flag != "" {
			option = "`--" + r.Flag + "`"
		}
		fmt.Fprintf(w, "| `%s` | `%s` | %s | %s | %s | %s |\n", r.Key, r.Environment(), option, r.value(), r.shownDefault(), r.Doc)
	}
	fmt.Fprint(w, sitesText, "| key | value |  |\n|---|---|---|\n")
	for _, r := range siteKeys() {
		value := r.value()
		if r.Key == "internal" {
			value = "map"
		}
		fmt.Fprintf(w, "| `%s` | %s | %s |\n", r.Key, value, r.Doc)
	}
	fmt.Fprint(w, poolsText, "| key below `worker` | value | default |  |\n|---|---|---|---|\n")
	for _, r := range workerKeys() {
		value := r.value()
		if r.Key == "env" {
			value = "map"
		}
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", r.Key, value, r.shownDefault(), r.Doc)
	}
	fmt.Fprint(w, stagesText, "| key below the pool | value | default |  |\n|---|---|---|---|\n")
	for _, r := range stageKeys() {
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", r.Key, r.value(), r.shownDefault(), r.Doc)
	}
	fmt.Fprint(w, protectionText, "| key | value | default |  |\n|---|---|---|---|\n")
	for _, r := range protectionKeys() {
		fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", r.Key, r.value(), r.shownDefault(), r.Doc)
	}
	fmt.Fprint(w, overridesText)
	for _, section := range []string{"global", "pool"} {
		fmt.Fprintf(w, "\n### %s\n\n| directive | variable | value | default |  |\n|---|---|---|---|---|\n",
			map[string]string{"global": "[global]", "pool": "Pools"}[section])
		for _, d := range conf.Directives() {
			if d.Section == section {
				fmt.Fprintf(w, "| `%s` | `%s` | %s | %s | %s |\n", d.Name, directiveVariable(d), d.Kind, cell(d.Default), d.Doc)
			}
		}
	}
}

func (r *Row) value() string {
	if r.Kind == Choice {
		return strings.Join(r.Allowed, ", ")
	}
	return string(r.Kind)
}

func (r *Row) shownDefault() string {
	switch {
	case r.Show != "":
		return r.Show
	case r.Default != "":
		return "`" + r.Default + "`"
	}
	return "none"
}

func directiveVariable(d conf.Info) string {
	prefix := globalPrefix
	if d.Section == "pool" {
		prefix = poolPrefix + "WWW_"
	}
	name, array := strings.CutSuffix(d.Name, "[]")
	if array && name != "access.suppress_path" {
		return prefix + spelled(name) + "_KEY"
	}
	return prefix + spelled(name)
}

// cell keeps a text from ending its cell.
func cell(text string) string { return strings.ReplaceAll(text, "|", "\\|") }

const head = `# Settings

<!-- Made of the tables in the code by: go test ./fpm/settings -run Document -update -->

php-fpm.conf is php-fpm's, and stays valid for it. What php-fpm does not know is in phpsapi's own settings. They come
from these places; the first that has a setting wins:

1. options of the command line,
2. variables of the environment (an empty one does not count),
3. phpsapi.yaml: the file that ` + "`--settings FILE`" + ` or ` + "`PHPSAPI_SETTINGS`" + ` names, else the one beside php-fpm.conf, else
   /etc/phpsapi/phpsapi.yaml,
4. the defaults.

` + "`phpsapi fpm -tt`" + ` shows every value, and where it comes from if any of these settings or an override of
php-fpm.conf is in use; else its output is php-fpm's. Invalid and unknown settings are errors (exit status 78).
Unknown variables are ignored unless they look like a typo of one below or of ` + "`PHPSAPI_SETTINGS`" + `; those of php-cgi,
` + "`PHPSAPI_CGI_*`" + `, are not checked. A reload (SIGUSR2) reads phpsapi.yaml again.

` + "```yaml" + `
http:
  listen: [":80"]
  tls:
    listen: [":443"]
    certificate: /etc/letsencrypt/live/example.org/fullchain.pem
    key: /etc/letsencrypt/live/example.org/privkey.pem
  root: /srv/www/public
  limits:
    body_size: 64M
` + "```" + `

## phpsapi's own

Values are of these kinds: text, path, number, time (` + "`30s`, `1m30s`, `500ms`" + `; a bare number is seconds; 0 means no limit, unless the setting says otherwise), share (from 0 to 1), size (bytes, or
with K, M or G; 0 as for a time), mode (octal), address, and lists: YAML lists in the file, separated by commas elsewhere.
Relative paths start at the current directory, in phpsapi.yaml at the file's directory.

`

const sitesText = `
### Sites

` + "`sites`" + ` in phpsapi.yaml is a list. The first site that matches host and path answers; after them comes the one of
` + "`http.root`" + `, if that is set. A site has the values of ` + "`http`" + ` for what it does not set. It is an error if one before
it takes all its requests: put longer paths and single hosts first.

` + "```yaml" + `
sites:
  - hosts: [example.org, "*.example.org"]
    path: /blog
    root: /srv/blog
    pool: blog
    internal:
      /private: /srv/private
` + "```" + `

`

const poolsText = `
### Pools

` + "`pools`" + ` in phpsapi.yaml gives single pools of php-fpm.conf an engine of their own ([ENGINES.md](ENGINES.md)); the others have
that of ` + "`engine`" + `. So do ` + "`--set shop.engine=8.4`" + ` and, with less weight, ` + "`PHPSAPI_POOL_SHOP_ENGINE=8.4`" + `.

` + "```yaml" + `
engine: 8.2
pools:
  shop:
    engine: 8.4
` + "```" + `

` + "`worker`" + ` puts a pool into worker mode ([WORKER.md](WORKER.md)): ` + "`worker: public/index.php`" + `, or these keys below it. So do
` + "`--set shop.worker=public/index.php` and `--set shop.worker.max_requests=500`" + `.

` + "```yaml" + `
pools:
  shop:
    worker:
      script: /srv/shop/public/index.php
      max_requests: 1000
` + "```" + `

`

const stagesText = `
These keys say what happens to requests that take long, and when it is noticed that a client has left: [SIGNALS.md](SIGNALS.md#requests-that-take-too-long)
has the order. So do ` + "`--set shop.request_soft_timeout=30s`" + ` and ` + "`PHPSAPI_POOL_SHOP_REQUEST_SOFT_TIMEOUT=30s`" + `.

` + "```yaml" + `
pools:
  shop:
    request_soft_timeout: 30s
    request_client_check: 1s
` + "```" + `

`

const protectionText = `
What protects a pool, beside php-fpm.conf's directives, stands below its name, too; [SECURITY.md](SECURITY.md) has more on it. So do
` + "`--set shop.sandbox=strict`, `--set shop.sandbox.read=/srv/shop` and `PHPSAPI_POOL_SHOP_SANDBOX=strict`" + `. Keys with a dot can be
written below the first word.

` + "```yaml" + `
pools:
  shop:
    sandbox:
      mode: strict
      read: [/srv/shop]
      write: [/srv/shop/var]
  blog:
    sandbox: web
` + "```" + `

`

const overridesText = `
## php-fpm's directives

Any directive of php-fpm.conf can be overruled without a change of the file: by ` + "`--set www.pm.max_children=50`" + `,
` + "`--set global.log_level=debug`" + ` or ` + "`--set 'www.php_admin_value[memory_limit]=256M'`" + `, and with less weight by variables:
` + "`PHPSAPI_POOL_WWW_PM_MAX_CHILDREN=50`, `PHPSAPI_GLOBAL_LOG_LEVEL=debug`" + `.

- In a variable's name, pool and directive are in capitals, with _ for all that is neither letter nor digit: the pool
  example.org is EXAMPLE_ORG. If two pools have the same spelling, only --set can tell them apart.
- After ENV_ follows the variable's name as PHP has it: ` + "`PHPSAPI_POOL_WWW_ENV_DB_HOST=db`" + ` is ` + "`env[DB_HOST] = db`" + `.
- After PHP_VALUE_, PHP_FLAG_, PHP_ADMIN_VALUE_ and PHP_ADMIN_FLAG_ follows php.ini's name, with __ for a dot. A name in
  capitals means one in small letters: ` + "`PHPSAPI_POOL_WWW_PHP_ADMIN_VALUE_OPCACHE__ENABLE=0`" + `.
- Values are taken as they are: no quotes, no ${}. An array's entry joins those of the file, and replaces the one of the same name.
- It is an error to name a pool that php-fpm.conf does not define, a directive that php-fpm does not have, or a value
  that it would refuse.
`
