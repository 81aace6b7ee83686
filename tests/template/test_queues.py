"""Queues, workers and the ledger of `template.yaml`: their times fit together (D6, D7, E8)."""

from typing import Any

import pytest

from local.places import ROOT
from mentor_pause.config.settings import MIN_DISPATCH_LEASE
from mentor_pause.domain.jobs import JOBS, MAX_PAGE_SIZE
from mentor_pause.ledger.runs import CLAIM_SECONDS
from support.template import FUNCTIONS, QUEUES, RESOURCES, TEMPLATE, WORKERS, of_type, sources


@pytest.mark.parametrize(("function", "queue", "source"), list(sources()))
def test_a_page_queue_gives_its_worker_six_times_the_time(
    function: str, queue: str, source: dict[str, Any]
) -> None:
    """As AWS advises. Each invocation gets one page, and the number of invocations is limited."""
    assert QUEUES[queue]["VisibilityTimeout"] >= 6 * FUNCTIONS[function]["Timeout"]
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    assert source["BatchSize"] == 1
    assert source["ScalingConfig"]["MaximumConcurrency"] <= 10


@pytest.mark.parametrize("worker", sorted(WORKERS))
def test_a_worker_reads_its_queue_and_that_queues_dead_letters(worker: str) -> None:
    """E8: the worker closes a failed page; SQS quarantines a message that it cannot close."""
    main, dead = (queue for function, queue, _ in sources() if function == worker)
    assert QUEUES[main]["RedrivePolicy"]["deadLetterTargetArn"] == {"Fn::GetAtt": [dead, "Arn"]}
    assert QUEUES[dead]["RedrivePolicy"]["deadLetterTargetArn"] == {
        "Fn::GetAtt": ["QuarantinedPagesQueue", "Arn"]
    }
    own = FUNCTIONS[worker]["Environment"]["Variables"]
    assert own["QUEUE_URL"] == {"Ref": main}
    assert own["DEAD_LETTER_QUEUE_URL"] == {"Ref": dead}


def test_a_run_keeps_its_lock_longer_than_a_page_takes_through_all_redeliveries() -> None:
    """D6: otherwise the monitor would end a slow night."""
    lease = TEMPLATE["Parameters"]["RunLeaseSeconds"]
    for _, queue, _ in sources():
        redrive, visible = QUEUES[queue]["RedrivePolicy"], QUEUES[queue]["VisibilityTimeout"]
        if "DeadLetter" not in queue:
            assert lease["MinValue"] >= (redrive["maxReceiveCount"] + 1) * visible
    assert lease["Default"] >= lease["MinValue"]


def test_a_dispatcher_that_dies_loses_its_lease_before_lambda_repeats_the_delivery() -> None:
    """D7: Lambda repeats a failed delivery twice, the first time after 60 s."""
    lease = TEMPLATE["Parameters"]["DispatchLeaseSeconds"]
    assert lease["Default"] <= lease["MaxValue"] < 60
    assert lease["Default"] >= lease["MinValue"] == MIN_DISPATCH_LEASE > CLAIM_SECONDS
    repeated = FUNCTIONS["Dispatcher"]["EventInvokeConfig"]
    assert repeated["MaximumRetryAttempts"] == 2
    assert repeated["DestinationConfig"]["OnFailure"]["Type"] == "SQS"


def test_a_page_of_the_largest_size_fits_into_a_message() -> None:
    """D3: the parameter, the setting and the message have one limit."""
    size = TEMPLATE["Parameters"]["PageSize"]
    assert size["Default"] <= size["MaxValue"] == MAX_PAGE_SIZE
    assert all(job.longest_page <= MAX_PAGE_SIZE for job in JOBS.values())


def test_the_ledger_forgets_and_can_be_restored() -> None:
    """TTL uses the attribute that the code writes. Deleting the stack keeps the table."""
    ledger = of_type("DynamoDB::Table")["Ledger"]
    assert ledger["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
    assert '"expires_at"' in (ROOT / "layers/shared/mentor_pause/ledger/runs.py").read_text()
    assert ledger["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"]
    assert RESOURCES["Ledger"]["DeletionPolicy"] == "Retain"
