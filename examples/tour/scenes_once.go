package main

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"

	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/cloudtaskgen/cloudtaskgen/examples/tour/tasks"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/cloudtask"
	"github.com/cloudtaskgen/cloudtaskgen/runtime/gcp"
)

func (s *stage) once(ctx context.Context) error {
	s.Scene("Once", "once depends on the task type only, not on the payload: order 42 is a duplicate of order 41. Cloud Tasks reserves\n"+
		"the task ID for up to 24 hours after the task is gone, so it is a duplicate even after order 41 has been processed.")

	order := tasks.ProcessOrder{OrderID: 41, PaymentDetails: map[string]string{"method": "card"}}
	receipt, err := tasks.EnqueueProcessOrderAsap(ctx, s.client, order)
	if err := s.enqueued("order 41", receipt, err); err != nil {
		return err
	}
	err = s.Expect(ctx,
		"program: order 41 enqueued in tour",
		"ProcessOrder: order 41, paid by card",
	)
	if err != nil {
		return err
	}
	order.OrderID = 42
	receipt, err = tasks.EnqueueProcessOrderAsap(ctx, s.client, order)
	if err := s.enqueued("order 42", receipt, err); err != nil {
		return err
	}
	return s.Expect(ctx, "program: order 42 duplicate, not enqueued in tour")
}

func (s *stage) unique(ctx context.Context) error {
	s.Scene("Once per value", "unique derives the task ID from the listed fields. within adds the date, so tomorrow's digest is not a duplicate.")

	for _, item := range []tasks.ProcessItem{{UserID: 1, ItemID: 5}, {UserID: 1, ItemID: 5, Note: "again"}, {UserID: 1, ItemID: 6}} {
		receipt, err := tasks.EnqueueProcessItemAsap(ctx, s.client, item)
		if err := s.enqueued(fmt.Sprintf("item %d", item.ItemID), receipt, err); err != nil {
			return err
		}
	}
	for range 2 {
		receipt, err := tasks.EnqueueDailyDigestAsap(ctx, s.client, tasks.DailyDigest{UserID: 3})
		if err := s.enqueued("digest 3", receipt, err); err != nil {
			return err
		}
	}
	return s.Expect(ctx,
		"program: item 5 enqueued in tour",
		"program: item 5 duplicate, not enqueued in tour",
		"program: item 6 enqueued in tour",
		"program: digest 3 enqueued in emails",
		"program: digest 3 duplicate, not enqueued in emails",
		"ProcessItem 1-5: processed",
		"ProcessItem 1-6: processed",
		"DailyDigest 3: sent",
	)
}

func (s *stage) lostAnswer(ctx context.Context) error {
	s.Scene("Once despite a lost response", "The task is created, but the connection breaks before the response arrives. The client retries with the\n"+
		"same task ID, learns that the task exists, and does not create a second one.")

	loseOne := grpc.WithUnaryInterceptor(s.loseFirstAnswer())
	backend, err := gcp.NewBackend(ctx, s.cfg, option.WithGRPCDialOption(loseOne))
	if err != nil {
		return err
	}
	client, err := cloudtask.NewClient(backend, s.cfg)
	if err != nil {
		return err
	}
	defer client.Close()
	receipt, err := tasks.EnqueueRobustEnqueueAsap(ctx, client, tasks.RobustEnqueue{Data: map[string]any{"n": 1}})
	if err := s.enqueued("RobustEnqueue", receipt, err); err != nil {
		return err
	}
	return s.Expect(ctx,
		"network: the response to CreateTask is lost",
		"program: RobustEnqueue enqueued in tour",
		"RobustEnqueue: enqueued robustly and now running: map[n:1]",
	)
}

// loseFirstAnswer passes the first CreateTask on to the service, but returns UNAVAILABLE.
func (s *stage) loseFirstAnswer() grpc.UnaryClientInterceptor {
	var lost atomic.Bool
	return func(ctx context.Context, method string, req, reply any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, opts ...grpc.CallOption) error {
		err := invoke(ctx, method, req, reply, conn, opts...)
		if err == nil && strings.HasSuffix(method, "/CreateTask") && lost.CompareAndSwap(false, true) {
			s.Note("network", "the response to CreateTask is lost")
			return status.Error(codes.Unavailable, "connection reset")
		}
		return err
	}
}
