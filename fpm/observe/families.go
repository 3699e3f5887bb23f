package observe

// Family is a metric: its name, what it is, its labels and what it means.
type Family struct {
	Name   string
	Kind   Kind
	Labels []string
	Help   string
	write  func(*exposition, *picture)
}

// ofPool are the labels of all that is told of a pool.
var ofPool = []string{"pool", "generation"}

// Families returns the table of all metrics, in the order of the page.
func Families() []Family {
	all := serviceFamilies()
	all = append(all, poolFamilies()...)
	all = append(all, requestFamilies()...)
	all = append(all, httpFamilies()...)
	all = append(all, cacheFamilies()...)
	return append(all, ownFamilies()...)
}

func and(labels ...string) []string { return append(ofPool[:len(ofPool):len(ofPool)], labels...) }

func serviceFamilies() []Family {
	return []Family{
		{"phpsapi_info", Gauge, []string{"version"}, "Always 1; the version of phpsapi that runs.", writeInfo},
		{"phpsapi_start_time_seconds", Gauge, nil, "When the service began, in seconds since 1970. Reloads and upgrades do not change it.", writeBegan},
		{"phpsapi_state", Gauge, []string{"state"}, "1 for what the master does: normal, leaving (it serves, and shutdown_delay runs), finishing or terminating.", writeState},
		{"phpsapi_generation_info", Gauge, []string{"generation", "state"}, "Always 1; a configuration at work: starting, serving, or retiring as it finishes its requests.", writeGenerations},
		{"phpsapi_generation_start_time_seconds", Gauge, []string{"generation"}, "When the generation was made, in seconds since 1970.", writeGenerationBegan},
		{"phpsapi_engine_info", Gauge, []string{"generation", "engine", "php"}, "Always 1; a PHP of a generation, with its own zygote. Engines are numbered from 1.", writeEngines},
		{"phpsapi_engine_up", Gauge, []string{"generation", "engine"}, "1 if the engine's zygote runs, which forks its workers.", writeZygotes},
		{"phpsapi_front_up", Gauge, []string{"generation"}, "1 if the generation's HTTP front is ready.", writeFronts},
		{"phpsapi_reloads_total", Counter, []string{"outcome"}, "Reloads that ended, by outcome: succeeded or failed. A failed one leaves the old configuration serving.", writeReloads},
		{"phpsapi_last_reload_success", Gauge, nil, "1 if the last reload succeeded. Absent if there was none.", writeLastReload},
		{"phpsapi_last_reload_timestamp_seconds", Gauge, nil, "When the last reload ended, in seconds since 1970. Absent if there was none.", writeLastReloadTime},
		{"phpsapi_upgrades_total", Counter, []string{"outcome"}, "Upgrades in place that ended, by outcome: succeeded or failed.", writeUpgrades},
		{"phpsapi_incidents_total", Counter, []string{"kind"}, "Abnormal ends of workers and requests, by kind: see INCIDENTS.md.", writeIncidents},
		{"phpsapi_process_replacements_total", Counter, []string{"process"}, "Processes of the master's own that ended by themselves and were replaced: front, observer, zygote.", writeReplaced},
		{"phpsapi_process_memory_bytes", Gauge, []string{"process"}, "Memory of the processes that are not workers, in proportion (PSS): master, front, observer, zygote. As of the last weighing.", writeOwnMemory},
		{"phpsapi_former_processes", Gauge, nil, "Processes that the program before an upgrade has started, and that finish their requests.", writeFormer},
	}
}

func poolFamilies() []Family {
	return []Family{
		{"phpsapi_pool_info", Gauge, and("pm", "kind", "php", "engine"), "Always 1; the pool's process manager, what its workers do, their PHP, and the number of its engine.", writePoolInfo},
		{"phpsapi_pool_ready", Gauge, ofPool, "1 if the pool can answer requests, as /readyz tells it. Of the generation that serves.", writePoolReady},
		{"phpsapi_pool_workers", Gauge, and("state"), "Workers by state: idle, active (with a request), starting (not accepting yet).", writeWorkers},
		{"phpsapi_pool_workers_limit", Gauge, ofPool, "How many workers the pool may have: pm.max_children, or what an operator has made of it; of a generation that retires, how many it still has.", writeWorkersLimit},
		{"phpsapi_pool_workers_active_max", Gauge, ofPool, "Most workers that had a request at the same time so far.", writeWorkersMost},
		{"phpsapi_pool_workers_started_total", Counter, ofPool, "Workers that were forked.", writeStarted},
		{"phpsapi_pool_workers_ended_total", Counter, and("reason"), "Workers that ended, by reason: done (after pm.max_requests, by a reload or a stop), idle (the process manager had too many), or the kind of the incident, see INCIDENTS.md.", writeEnded},
		{"phpsapi_pool_max_children_reached_total", Counter, ofPool, "How often pm.max_children was reached.", writeMaxChildren},
		{"phpsapi_pool_listen_queue", Gauge, ofPool, "Connections that wait at the pool's socket, TCP or unix, to be accepted. At TCP sockets as of the last second.", writeQueue},
		{"phpsapi_pool_listen_queue_limit", Gauge, ofPool, "How many connections can wait there.", writeQueueLimit},
		{"phpsapi_pool_parked_connections", Gauge, ofPool, "Idle kept connections that the master keeps, so that they occupy no worker.", writeParked},
		{"phpsapi_pool_front_requests", Gauge, and("state"), "Requests by HTTP that the front has for the pool: queued (waiting for a worker), running (handed to the pool). Absent if no site of the front is the pool's.", writeFrontRequests},
		{"phpsapi_pool_front_queue_max", Gauge, ofPool, "Most requests that waited in the front at the same time so far.", writeFrontQueueMost},
		{"phpsapi_pool_front_refused_total", Counter, ofPool, "Requests that the front answered by 503, because too many waited or they waited too long.", writeFrontRefused},
		{"phpsapi_pool_process_memory_bytes", Gauge, ofPool, "Memory of the pool's workers, in proportion (PSS), so that what they share counts once. As of the last weighing.", writeWeight},
		{"phpsapi_pool_booting_workers", Gauge, ofPool, "In worker mode: workers whose worker script boots.", writeBooting},
		{"phpsapi_pool_boot_seconds", Gauge, ofPool, "In worker mode: how long the last boot of the worker script took.", writeBootTime},
		{"phpsapi_pool_boot_failures_total", Counter, ofPool, "In worker mode: boots that failed.", writeBootFailures},
		{"phpsapi_pool_worker_restarts_total", Counter, and("reason"), "In worker mode: workers that were replaced, by reason: see WORKER.md.", writeRestarts},
	}
}

func requestFamilies() []Family {
	return []Family{
		{"phpsapi_pool_connections_total", Counter, ofPool, "Connections that workers accepted.", writeConnections},
		{"phpsapi_pool_requests_total", Counter, and("method", "status"), "Requests that PHP answered, by method (others than the usual seven: other) and class of the status (2xx).", writeRequests},
		{"phpsapi_pool_responses_total", Counter, and("code"), "The same requests by status code; codes that are not registered: other.", writeCodes},
		{"phpsapi_pool_spans_total", Counter, and("outcome"), "Spans of the pool's requests, by outcome: told (to the observer), lost (it did not read them in time). Absent unless spans are exported.", writePoolSpans},
		{"phpsapi_pool_slow_requests_total", Counter, ofPool, "Requests that took longer than request_slowlog_timeout.", writeSlow},
		{"phpsapi_pool_request_queue_seconds", Histogram, ofPool, "How long requests waited for a worker, if the client tells when it began to wait, as phpsapi's front does.", histogramOf(queueWait)},
		{"phpsapi_pool_request_first_byte_seconds", Histogram, ofPool, "Time from a request's acceptance by a worker to the first byte of its response.", histogramOf(firstByte)},
		{"phpsapi_pool_request_duration_seconds", Histogram, ofPool, "Time from a request's acceptance by a worker to the end of its script.", histogramOf(duration)},
		{"phpsapi_pool_request_cpu_seconds", Histogram, ofPool, "Processor time of requests, in the kernel's ticks of 10 ms: a request that ends within a tick has 0, or the time of those before it, too. The sum is right.", histogramOf(processor)},
		{"phpsapi_pool_request_memory_bytes", Histogram, ofPool, "PHP's peak memory in a request.", histogramOf(memory)},
		{"phpsapi_pool_cpu_seconds_total", Counter, and("mode"), "Processor time that requests took, user and system, with the processes that they waited for.", writeCPU},
		{"phpsapi_pool_memory_peak_bytes", Gauge, ofPool, "The most memory that PHP needed for a request so far.", writeMemoryPeak},
	}
}

func httpFamilies() []Family {
	return []Family{
		{"phpsapi_http_requests_total", Counter, []string{"generation", "site", "by", "status"}, "Requests by HTTP, with those for files, by the site (its first host and its path; other: none, or one beyond the first 23), by what answered (front, or worker as http.direct has it) and class of the status; other: the connection ended before.", writeSites},
		{"phpsapi_site_request_queue_seconds", Histogram, and("site"), "As phpsapi_pool_request_queue_seconds, of a site's requests for PHP, which came by the front or to the workers themselves (http.direct). The first 23 sites have these five; requests of other sites are in the pool's alone.", siteHistogramOf(queueWait)},
		{"phpsapi_site_request_first_byte_seconds", Histogram, and("site"), "As phpsapi_pool_request_first_byte_seconds, of a site's requests.", siteHistogramOf(firstByte)},
		{"phpsapi_site_request_duration_seconds", Histogram, and("site"), "As phpsapi_pool_request_duration_seconds, of a site's requests.", siteHistogramOf(duration)},
		{"phpsapi_site_request_cpu_seconds", Histogram, and("site"), "As phpsapi_pool_request_cpu_seconds, of a site's requests.", siteHistogramOf(processor)},
		{"phpsapi_site_request_memory_bytes", Histogram, and("site"), "As phpsapi_pool_request_memory_bytes, of a site's requests.", siteHistogramOf(memory)},
		{"phpsapi_front_responses_total", Counter, []string{"generation", "code"}, "Requests that the front has answered, by status code.", writeFrontCodes},
		{"phpsapi_front_request_duration_seconds", Histogram, []string{"generation"}, "Time from a request's head to the end of its response, of those that the front has answered.", writeFrontDuration},
		{"phpsapi_front_connections", Gauge, []string{"generation"}, "Connections of clients that the front has, those that wait for a request among them. As of the last second.", writeFrontOpen},
	}
}

func ownFamilies() []Family {
	return []Family{
		{"phpsapi_traces_spans_total", Counter, []string{"outcome"}, "Spans that this observer had to export, by outcome: exported, rejected (by the collector), failed (it could not be reached, or refused them). Absent unless spans are exported.", writeSpans},
		{"phpsapi_traces_queue_length", Gauge, nil, "Spans that wait in the observer to be exported. Absent unless spans are exported.", writeSpansQueued},
		{"phpsapi_scrapes_total", Counter, nil, "Pages of metrics that the observer of this generation has answered before.", writeScrapes},
	}
}
