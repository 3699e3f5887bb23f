// Package observe is the observer, the process that shows operators how the service is: metrics for Prometheus and programs that read
// its format, health for systemd, Kubernetes and load balancers, the dashboard for browsers, and traces, which it sends to a collector. The
// master executes it, as contract.ObserverTitle says, and it lives from one reload to the next; the listening sockets are the master's and
// outlive it.
//
//	main.go      the process: its descriptors and its master
//	server.go    HTTP: which client may ask for what
//	places.go    how many clients may be connected
//	health.go    /livez, /readyz, /startupz
//	picture.go   what the scoreboards, the kernel and the master say at a moment
//	backlog.go   how many connections wait at unix sockets, from the kernel
//	families.go  the table of all metrics: their names, labels and meaning
//	report.go    the values of each, with requests.go, http.go and caches.go
//	exposition.go  the text formats
//	dashboard.go   the dashboard, with show.go, view.go, history.go, and its orders: orders.go, gate.go, profile.go
//	export.go      traces, with spans.go and otlp.go
//
// It has no privileges, never runs PHP and asks no worker, so that it answers while all workers are stuck. It writes no shared memory
// but the dashboard's last hour, which one observer hands on to the next. It holds nothing else that it was not told, so that another
// observer may take its place at any time. docs/METRICS.md is the reference of the metrics, printed from the table.
package observe
