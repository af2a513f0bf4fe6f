using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using System.Globalization;
using Relay.Cluster.V1;

namespace Relay.Cluster;

/// <summary>Questions to other nodes that wait for an answer. Each ends once: with the answer, or in time without one.</summary>
internal sealed class Questions(ClusterOptions options, TimeProvider time)
{
    public static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentDictionary<long, Question> _open = [];
    private long _last;
    private long _silent;

    // Written once, when the relay starts to measure.
    private Histogram<double>? _duration;

    public int Count => _open.Count;

    /// <summary>Those that were not answered in time.</summary>
    public long Silent => Interlocked.Read(ref _silent);

    /// <summary>Measures how long answers take from here on.</summary>
    public void Measure(Meter meter) => _duration = meter.CreateHistogram(
        "relay.cluster.question.duration",
        unit: "s",
        description: "Time from a question to another node to its answer, or to NATS' word that nobody listens.",
        advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 5e-2, 0.1, 0.5, 1, 5] });

    /// <param name="timeout">How long the answer may take; null: as usual.</param>
    public (long Number, Task<Answer> Answer) Open(TimeSpan? timeout = null)
    {
        var question = new Question(time.GetTimestamp(), timeout ?? options.AnswerTimeout);
        var number = Interlocked.Increment(ref _last);
        _open.TryAdd(number, question);
        return (number, question.Answer.Task);
    }

    public void End(long number, Answer answer)
    {
        if (_open.TryRemove(number, out var question))
        {
            if (answer.Status is AnswerStatus.Answered or AnswerStatus.Nobody)
            {
                _duration?.Record(time.GetElapsedTime(question.Since).TotalSeconds);
            }

            question.Answer.TrySetResult(answer);
        }
    }

    /// <summary>A message to the inbox of this relay: the last part of the subject is the question's number.</summary>
    public void End(string subject, Envelope? envelope)
    {
        if (long.TryParse(subject.AsSpan(subject.LastIndexOf('.') + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            End(number, envelope is null ? new Answer(AnswerStatus.Nobody) : new Answer(AnswerStatus.Answered, envelope));
        }
    }

    /// <summary>Ends what has waited too long.</summary>
    public void Sweep()
    {
        foreach (var (number, question) in _open)
        {
            if (time.GetElapsedTime(question.Since) >= question.Timeout)
            {
                Interlocked.Increment(ref _silent);
                End(number, new Answer(AnswerStatus.Silent));
            }
        }
    }

    private sealed class Question(long since, TimeSpan timeout)
    {
        public long Since => since;

        public TimeSpan Timeout => timeout;

        public TaskCompletionSource<Answer> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
