// Package observe is the process that tells operators how the service is: metrics for Prometheus and others that read its format, and health
// for those who start and balance services. The master executes it, as contract.Observer says, and it lives from one reload to the
// next; the listening sockets are the master's and outlive it.
//
//	main.go      the process: its descriptors and its master
//	server.go    HTTP: who may ask for what
//	health.go    /livez, /readyz, /startupz
//	picture.go   what the scoreboards, the kernel and the master say at a moment
//	families.go  the table of all metrics: their names, labels and meaning
//	report.go    the values of each
//	exposition.go the text formats
//	backlog.go   how many connections wait at unix sockets, from the kernel
//
// It has no privileges, never runs PHP, writes no shared memory and asks no worker: it answers while all workers are stuck. What it holds
// it was told, so that another may take its place at any time. docs/METRICS.md is the reference, printed from the table.
package observe
