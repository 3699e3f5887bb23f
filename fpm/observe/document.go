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

For operators who watch ` + "`phpsapi fpm`" + ` by Prometheus, and for load balancers and orchestrators that ask whether it is well. With ` + "`metrics.listen`" + ` a process of its own, the
*observer*, answers such questions, even while all workers are stuck, and while a reload or an upgrade is under way. It answers everybody who can connect: let it
listen on 127.0.0.1 or on a unix socket, or keep others out by a firewall. Alerts and a Grafana dashboard are in [OPERATIONS.md](OPERATIONS.md).

    phpsapi fpm --http 127.0.0.1:8080 --root public      # serves them at 127.0.0.1:9253, if that is free
    PHPSAPI_METRICS_LISTEN=127.0.0.1:9253 phpsapi fpm -y /etc/php/8.2/fpm/php-fpm.conf -F
    curl http://127.0.0.1:9253/metrics

` + "```yaml" + `
metrics:
  listen: ["127.0.0.1:9253", "unix:/run/phpsapi-metrics.sock"]
` + "```" + `

| path | |
|---|---|
| ` + "`/metrics`" + ` | metrics in Prometheus's text format, or in OpenMetrics 1.0.0 for clients whose Accept names it |
| ` + "`/livez`" + ` | 200 if the master works: it has given a sign of life within 15 seconds. 503 otherwise; then only a restart helps |
| ` + "`/readyz`" + ` | 200 if all pools can answer requests, 503 if one cannot, with the reasons. ` + "`?pool=www`" + ` asks for one pool |
| ` + "`/startupz`" + ` | 200 after the service has begun to serve for the first time |

The last three answer in lines of text, or in JSON for ` + "`?format=json`" + ` or if Accept names application/json.

**Ready** means that a request that comes now will be answered without an operator's help:

- One worker of each pool has begun to accept, in worker mode after its boot, or workers are forked on demand and can be.
- If the service speaks HTTP, the process that does (the front) is ready.
- The service is not about to end.

A busy pool is ready: if all workers have requests, others wait in the queue. A balancer that takes a busy instance away
gives its load to the others, until none is left. To learn of busy pools, watch ` + "`phpsapi_pool_workers`" + ` and ` + "`phpsapi_pool_listen_queue`" + `.

    phpsapi fpm healthcheck                            # exits with 0 if ready, with 1 if not; asks the master
    phpsapi fpm healthcheck --address 127.0.0.1:9253   # asks the observer, from another namespace or as another user

In an image: ` + "`HEALTHCHECK CMD [\"phpsapi\", \"fpm\", \"healthcheck\"]`" + `. In Kubernetes livenessProbe, readinessProbe and startupProbe ask for the three paths ([NODES.md](NODES.md)).

These are not the metrics of php-fpm's status page (` + "`?openmetrics`" + `), which keep php-fpm's names.

## The metrics

Each reload makes a new *generation* of workers, beside the old one until its last request has ended. Counters with the label ` + "`generation`" + ` begin at 0 with each, so sum
without it, after rate(): ` + "`sum without (generation) (rate(phpsapi_pool_requests_total[5m]))`" + `. Those of the service as a whole
continue through reloads and upgrades. If a label has many values, samples with the value 0 are left out.

`

const documentEnd = `## What they are made of

- Each worker counts its requests in a page of shared memory that it alone writes, without a system call or a lock. The observer believes nothing that it reads there:
  a worker that is compromised can make up the figures of its own pool, and of no other. No label comes from a request.
- Histograms by site are at most 23 times five, whatever the number of pools: a page for 500 pools with two workers each and all figures is 4.9 MB, 0.2 MB of it by site, and takes 10 ms
  (2 × AMD EPYC). They cost a request 1.5 ns. They cost a worker no memory for the first site, and a page of 4 KB for each six others that it has had requests for. A web server that speaks FastCGI
  with a pool does not say which site a request is for: give each site a pool.
- phpsapi_front_request_duration_seconds is of all sites together, as 15 samples for each site would be too many. The histograms by site have PHP's time, and phpsapi_http_requests_total
  the requests and their statuses by site, also those for files.
- Bounds of the histograms: %s; for memory %s.
- A request whose worker dies has no status: it is an [incident](INCIDENTS.md). What the front answers without PHP does not count for a pool.
- The master reads the memory of processes from /proc/PID/smaps_rollup ("weighs" them) while metrics are asked for or the dashboard is looked at: once in ten seconds, for 50 ms at most. The next round
  continues with those that were not reached. If there is a dashboard it also does that once a minute. Workers that were not weighed yet count as the others of their pool.
- The figures of opcache and APCu come from the workers, if metrics were asked for within the last five minutes: one worker of each pool reads them about once a second, after a request whose
  response has been sent. So the first page has none of them, and the figures of a pool without requests are as old as its
  last request. opcache.restrict_api, disable_functions and error handlers do not matter. All workers of an
  engine (a PHP of the service) share both caches; phpsapi_pool_info has the engine of a pool. If a worker hangs in reading, such as in a lock of APCu that a dead process has left, no other worker of
  its pool reads.
- After an upgrade, the old program's workers that still finish requests are no longer in the metrics.
- The observer runs as a user of its own, without privileges, and on one processor at most.
- It has at most 64 connections. For one more, the connection that has been idle longest is closed, so that silent clients do not keep others from an answer. It does
  not wait for the body of a request.
`
