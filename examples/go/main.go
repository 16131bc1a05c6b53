// Command load loads a folder of images into a dataset, and awaits the end.
//
//	go run . photos /data/photos
//
// A load is a workflow that is started by its name with one JSON object, which docs/schemas/load-dataset.json describes.
// Nothing of Plimsoll is needed here. Temporal is found as its own tools find it: TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE,
// profiles.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"time"

	"go.temporal.io/api/serviceerror"
	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
	"go.temporal.io/sdk/log"
	"go.temporal.io/sdk/temporal"
)

const loadDataset = "loadDataset"

// request is the part of docs/schemas/load-dataset.json that this program sets.
type request struct {
	Dataset string `json:"dataset"`
	Source  string `json:"source"`
	Embed   bool   `json:"embed"`
}

// status is the part that this program prints of what the query `status` and the workflow's result hold.
type status struct {
	JobID  string           `json:"job_id"`
	State  string           `json:"state"`
	Phases map[string]phase `json:"phases"`
}

type phase struct {
	State  string `json:"state"`
	Done   int    `json:"done"`
	Failed int    `json:"failed"`
	Total  int    `json:"total"`
}

func main() {
	noEmbed := flag.Bool("no-embed", false, "index only")
	taskQueue := flag.String("task-queue", "plimsoll", "task queue of the indexing workers")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "Usage: load [--no-embed] [--task-queue NAME] DATASET SOURCE")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 2 {
		flag.Usage()
		os.Exit(2)
	}
	// Ctrl-C ends this program. The load goes on.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	input := request{Dataset: flag.Arg(0), Source: flag.Arg(1), Embed: !*noEmbed}
	if err := load(ctx, input, *taskQueue); err != nil {
		fmt.Fprintln(os.Stderr, reason(err))
		os.Exit(1)
	}
}

// load starts a load, or joins the one that runs, and prints its counts once a second and at its end.
func load(ctx context.Context, input request, taskQueue string) error {
	options, err := envconfig.LoadDefaultClientOptions()
	if err != nil {
		return err
	}
	options.Logger = log.NewStructuredLogger(slog.New(slog.DiscardHandler))
	c, err := client.DialContext(ctx, options)
	if err != nil {
		return err
	}
	defer c.Close()

	// Keep to this ID: it is what makes one load a dataset at a time.
	id := "load-" + input.Dataset
	run, err := c.ExecuteWorkflow(ctx, client.StartWorkflowOptions{
		ID:                                       id,
		TaskQueue:                                taskQueue,
		WorkflowExecutionErrorWhenAlreadyStarted: true,
	}, loadDataset, input)
	var started *serviceerror.WorkflowExecutionAlreadyStarted
	if errors.As(err, &started) {
		run, err = running(ctx, c, id)
	}
	if err != nil {
		return err
	}

	type outcome struct {
		status status
		err    error
	}
	ended := make(chan outcome, 1)
	go func() {
		var result outcome
		result.err = run.Get(ctx, &result.status)
		ended <- result
	}()
	second := time.NewTicker(time.Second)
	defer second.Stop()
	for {
		select {
		case result := <-ended:
			if result.err == nil {
				fmt.Println(result.status)
			}
			return result.err
		case <-second.C:
			now, err := query(ctx, c, id)
			if err != nil {
				// No worker is there to answer. The load goes on when one is.
				fmt.Fprintln(os.Stderr, "no status:", err)
				continue
			}
			fmt.Fprintln(os.Stderr, now)
		}
	}
}

// running returns somebody else's load of the dataset. Any other job of the dataset has the same ID.
func running(ctx context.Context, c client.Client, id string) (client.WorkflowRun, error) {
	described, err := c.DescribeWorkflowExecution(ctx, id, "")
	if err != nil {
		return nil, err
	}
	if kind := described.GetWorkflowExecutionInfo().GetType().GetName(); kind != loadDataset {
		return nil, fmt.Errorf("AlreadyRunning: %s is a %s: wait for its end", id, kind)
	}
	return c.GetWorkflow(ctx, id, ""), nil
}

func query(ctx context.Context, c client.Client, id string) (status, error) {
	var now status
	answer, err := c.QueryWorkflow(ctx, id, "", "status")
	if err != nil {
		return now, err
	}
	return now, answer.Get(&now)
}

func (s status) String() string {
	line := s.JobID
	for _, name := range []string{"indexing", "embedding"} {
		p := s.Phases[name]
		line += fmt.Sprintf("  %s %s %d/%d, %d failed", name, p.State, p.Done, p.Total, p.Failed)
	}
	return line
}

// reason names a failed load by the failure's type, which docs/failures.md lists.
func reason(err error) string {
	var failure *temporal.ApplicationError
	if errors.As(err, &failure) {
		return failure.Type() + ": " + failure.Message()
	}
	return err.Error()
}
