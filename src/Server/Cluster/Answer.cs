using Relay.Cluster.V1;

namespace Relay.Cluster;

internal enum AnswerStatus
{
    Answered,

    /// <summary>Nobody listens to that subject.</summary>
    Nobody,

    /// <summary>Somebody listens, and has not answered in time.</summary>
    Silent,

    /// <summary>NATS cannot be reached, or too much waits for it already.</summary>
    Away,
}

/// <summary>What came of a question to another node.</summary>
/// <param name="Message">What was answered; null: nothing.</param>
internal readonly record struct Answer(AnswerStatus Status, Envelope? Message = null);
