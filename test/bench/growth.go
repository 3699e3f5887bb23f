package main

import (
	"fmt"
	"time"

	"github.com/phpsapi/phpsapi/test/bench/plot"
	"github.com/phpsapi/phpsapi/test/serve"
)

// figures are what a service of some size takes.
type figures struct {
	size         int
	start        time.Duration // until all first workers are there
	startCPU     time.Duration // of all processes
	idle         float64       // the masters' part of a core while nothing is asked
	workersIdle  float64       // all workers'
	loaded       float64       // the masters' part of a core while clients ask all pools
	masterEach   time.Duration // the masters' CPU time of a request
	rate         float64       // requests a second
	memory       int           // the masters' private memory, in KiB
	workerMemory int           // that of a worker, in KiB
	reload       reload
}

func measurePools(dir string, programs [2]program, n scale) (string, []plot.Picture, error) {
	return measureGrowth(dir, "pools", programs, n, n.pools, func(size int) (int, int) { return size, 1 })
}

func measureWorkers(dir string, programs [2]program, n scale) (string, []plot.Picture, error) {
	return measureGrowth(dir, "workers", programs, n, n.workers, func(size int) (int, int) { return 1, size })
}

// measureGrowth measures services of several sizes. shape says how many pools a size is, and workers in each.
func measureGrowth(dir, what string, programs [2]program, n scale, sizes []int, shape func(int) (pools, workers int)) (string, []plot.Picture, error) {
	var grown [2][]figures
	for _, size := range sizes {
		pools, workers := shape(size)
		pair, err := compareServices(dir, programs, n, pools, workers)
		if err != nil {
			return "", nil, fmt.Errorf("%d: %w", size, err)
		}
		for i, f := range pair {
			f.size = size
			grown[i] = append(grown[i], f)
		}
	}
	return growthTable(what, programs, grown), growthPictures(what, programs, grown), nil
}

// compareServices measures a service of each program. They are idle side by side, and then busy in turn.
func compareServices(dir string, programs [2]program, n scale, pools, workers int) (pair [2]figures, err error) {
	var services [2]*service
	for i, p := range programs {
		began := time.Now()
		s, err := startService(dir, p, pools, fmt.Sprintf("pm = static\npm.max_children = %d", workers))
		if err != nil {
			return pair, err
		}
		defer s.stop()
		services[i] = s
		pair[i].start, pair[i].startCPU = time.Since(began), s.CPU()
	}
	time.Sleep(2 * time.Second) // what follows a start is over
	var masters, all [2]time.Duration
	began := time.Now()
	for i, s := range services {
		masters[i], all[i] = serve.OwnCPU(s.masters()...), serve.OwnCPU(s.Tree()...)
	}
	time.Sleep(n.idle)
	lasted := time.Since(began)
	for i, s := range services {
		master := serve.OwnCPU(s.masters()...) - masters[i]
		pair[i].idle = part(master, lasted)
		pair[i].workersIdle = part(serve.OwnCPU(s.Tree()...)-all[i]-master, lasted)
	}
	for i, s := range services {
		if err := pair[i].measure(s, n); err != nil {
			return pair, err
		}
	}
	return pair, nil
}

// measure measures a service that is asked, and one that is reloaded.
func (f *figures) measure(s *service, n scale) (err error) {
	if _, err := s.saturate(n.load / 5); err != nil { // the first requests of a worker are others
		return err
	}
	before, began := serve.OwnCPU(s.masters()...), time.Now()
	requests, err := s.saturate(n.load)
	if err != nil {
		return err
	}
	lasted := time.Since(began)
	took := serve.OwnCPU(s.masters()...) - before
	f.loaded, f.rate = part(took, lasted), float64(requests)/lasted.Seconds()
	f.masterEach = took / time.Duration(requests)
	for _, pid := range s.masters() {
		f.memory += serve.Private(pid)
	}
	f.workerMemory = serve.Private(s.Titled("php-fpm: pool ")[0])
	f.reload, err = s.reload()
	return err
}

// part is the part of a core.
func part(cpu, lasted time.Duration) float64 { return cpu.Seconds() / lasted.Seconds() }

func growthTable(what string, programs [2]program, grown [2][]figures) string {
	lines := [][]string{{what, "", "start, s", "its CPU, s", "idle, %", "workers idle, %", "under load, %", "of a request, µs", "requests/s",
		"masters, MB", "a worker, MB", "reload serves, s", "old gone, s", "its CPU, s"}}
	for at := range grown[0] {
		for i, p := range programs {
			f := grown[i][at]
			lines = append(lines, []string{fmt.Sprint(f.size), p.name, seconds(f.start), seconds(f.startCPU),
				fmt.Sprintf("%.3f", f.idle*100), fmt.Sprintf("%.3f", f.workersIdle*100), fmt.Sprintf("%.2f", f.loaded*100),
				fmt.Sprintf("%.2f", float64(f.masterEach.Nanoseconds())/1e3), fmt.Sprintf("%.0f", f.rate),
				fmt.Sprintf("%.1f", float64(f.memory)/1024), fmt.Sprintf("%.2f", float64(f.workerMemory)/1024),
				seconds(f.reload.serves), seconds(f.reload.gone), seconds(f.reload.cpu)})
		}
	}
	return markdown(lines)
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()) }

func growthPictures(what string, programs [2]program, grown [2][]figures) []plot.Picture {
	idle := plot.Picture{Title: "Idle " + what + ": CPU time of the master", X: what, Y: "% of a core"}
	reload := plot.Picture{Title: "Reload " + what + ": until the new configuration serves, and the old processes are gone", X: what, Y: "seconds"}
	for i, p := range programs {
		curve := func(of func(figures) float64) (points []plot.Point) {
			for _, f := range grown[i] {
				points = append(points, plot.Point{X: float64(f.size), Y: of(f)})
			}
			return points
		}
		idle.Lines = append(idle.Lines, plot.Line{Name: p.name, Points: curve(func(f figures) float64 { return f.idle * 100 })})
		reload.Lines = append(reload.Lines,
			plot.Line{Name: p.name + ", serves", Points: curve(func(f figures) float64 { return f.reload.serves.Seconds() })},
			plot.Line{Name: p.name + ", old gone", Dashed: true, Points: curve(func(f figures) float64 { return f.reload.gone.Seconds() })})
	}
	return []plot.Picture{idle, reload}
}
