package observe

import (
	"fmt"
	"io"
	"strings"

	"github.com/phpsapi/phpsapi/fpm/scoreboard"
)

// Document writes docs/METRICS.md.
func Document(w io.Writer) {
	fmt.Fprint(w, documentHead)
	for _, section := range []struct {
		title    string
		families []Family
	}{
		{"The service", serviceFamilies()},
		{"Pools", poolFamilies()},
		{"Requests", requestFamilies()},
		{"HTTP", httpFamilies()},
		{"Opcache and APCu", cacheFamilies()},
		{"The observer", ownFamilies()},
	} {
		fmt.Fprintf(w, "### %s\n\n| metric | type | labels | |\n|---|---|---|---|\n", section.title)
		for _, f := range section.families {
			labels := ""
			if len(f.Labels) > 0 {
				labels = "`" + strings.Join(f.Labels, "`, `") + "`"
			}
			fmt.Fprintf(w, "| `%s` | %s | %s | %s |\n", f.Name, f.Kind, labels, f.Help)
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, documentEnd, bounds(scoreboard.TimeBounds[:], 1e9, " s"), bounds(scoreboard.MemoryBounds[:], 1<<20, " MiB"))
}

// bounds words the bounds of buckets.
func bounds(all []uint64, unit float64, name string) string {
	var texts []string
	for _, b := range all {
		texts = append(texts, text.bound(float64(b)/unit))
	}
	return strings.Join(texts, ", ") + name
}

const documentHead = `# Metrics and health

<!-- Made of the table in the code by: go test ./fpm/observe -run Document -update -->

` + "`metrics.listen`" + ` ([SETTINGS.md](SETTINGS.md)) names addresses at which a process of its own, ` + "`php-fpm: observer process`" + `, tells how the service
is. It answers while all workers are stuck, and while a reload or an upgrade is under way. Everybody who can connect is told: let it
listen on 127.0.0.1 or on a unix socket, or keep others out by a firewall.

    phpsapi fpm --http 127.0.0.1:8080 --root public      # tells them at 127.0.0.1:9253, if that is free
    PHPSAPI_METRICS_LISTEN=127.0.0.1:9253 phpsapi fpm -y /etc/php/8.2/fpm/php-fpm.conf -F
    curl http://127.0.0.1:9253/metrics

` + "```yaml" + `
metrics:
  listen: ["127.0.0.1:9253", "unix:/run/phpsapi/metrics.sock"]
` + "```" + `

| path | |
|---|---|
| ` + "`/metrics`" + ` | metrics in Prometheus's text format, or in OpenMetrics 1.0.0 for clients whose Accept names it |
| ` + "`/livez`" + ` | 200 if the master works: it has said something within 15 seconds. 503 otherwise; then nothing but a restart helps |
| ` + "`/readyz`" + ` | 200 if all pools can answer requests, 503 if one cannot, with the reasons. ` + "`?pool=www`" + ` asks for one pool |
| ` + "`/startupz`" + ` | 200 from when the service has begun to serve for the first time |

The last three answer in lines of text, or in JSON for ` + "`?format=json`" + ` or if Accept names application/json.

**Ready** means that a request which comes now is answered without anybody's help. A pool is ready if one worker has begun to accept, in
worker mode after its boot, or if workers come on demand and can be forked. If there is an HTTP front it must be ready, too. The service must not be
about to end. Busy is ready: if all workers have requests, others wait, which is what a queue is for. A balancer that takes a busy instance away
gives its load to the others, until none is left. To be told of it, watch ` + "`phpsapi_pool_workers`" + ` and ` + "`phpsapi_pool_listen_queue`" + `.

    phpsapi fpm healthcheck                            # exits with 0 if ready, with 1 if not; asks the master
    phpsapi fpm healthcheck --address 127.0.0.1:9253   # asks the observer, from another namespace or as another user

In an image: ` + "`HEALTHCHECK CMD [\"phpsapi\", \"fpm\", \"healthcheck\"]`" + `. In Kubernetes let livenessProbe, readinessProbe and startupProbe ask for the three paths.

php-fpm's status page has its own metrics, with ` + "`?openmetrics`" + `: they keep their names, and are not these.

## The metrics

Counters begin at 0 with each generation: a reload makes a new one beside the old one, which is told until its last request has ended. Sum
without the generation, after rate(): ` + "`sum without (generation) (rate(phpsapi_pool_requests_total[5m]))`" + `. Those of the service as a whole
continue through reloads and upgrades. Samples whose value would be 0 are left out where a label has many values.

`

const documentEnd = `## What they are made of

- Each worker counts its requests in a page of shared memory that it alone writes, without a system call or a lock. The observer believes nothing that it reads there:
  a worker that is compromised can make up the figures of its own pool, and of no other. No label comes from a request.
- Histograms by site are at most 23 times five, whatever the number of pools: a page for 500 pools with two workers each and all figures is 4.9 MB, 0.2 MB of it by site, and takes 10 ms
  (2 × AMD EPYC). They cost a request 1.5 ns, and a worker no memory for the first site, and a page of 4 KB for each six others that it has had requests for. Web servers that speak FastCGI
  themselves do not say which site a request is for: their pools are their sites.
- phpsapi_front_request_duration_seconds is of all sites together. What differs between sites is PHP's time, which the histograms by site have; phpsapi_http_requests_total has
  the requests and their statuses by site, those for files among them. A site would have 15 more samples.
- Bounds of the histograms: %s; for memory %s.
- Requests that a worker dies in have no status: they are incidents. What an HTTP front answers without PHP is not a pool's.
- Processes are weighed by the master, by /proc/PID/smaps_rollup, if somebody asks for metrics or looks at the dashboard: once in ten seconds, for 50 ms at most, and the next round
  continues with those that were not reached. With a dashboard they are weighed once a minute besides. Workers that were not weighed yet count as the others of their pool.
- Opcache and APCu are asked by workers, if somebody has asked for metrics within the last five minutes: after a request whose response has been sent, one
  worker of each pool about once a second. So the first page has nothing of them, and the figures of a pool without requests are as old as its
  last one. The functions are called without a script: opcache.restrict_api, disable_functions and error handlers do not matter to them. All workers of an
  engine share both caches; phpsapi_pool_info has the engine of a pool. A worker asks again only if no other one of its pool hangs in that, in a lock of
  APCu's that a dead process has left, say.
- Pools of the program before an upgrade are told no more while they finish their requests.
- The observer runs as a user of its own, without privileges, and on one processor at most.
- It has 64 connections at once. One more closes the one that has had no request the longest, so that silent clients keep nobody from an answer. It does
  not wait for the body of a request.
`
