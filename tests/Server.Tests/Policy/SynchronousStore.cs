using Relay.Policy;

namespace Server.Tests.Policy;

/// <summary>A store whose writers never wait for one another, as a test's do not, answers at once.</summary>
internal static class SynchronousStore
{
    public static PolicyResult Change(this LimitPolicyStore store, PolicyChange change) => store.ChangeAsync(change).GetAwaiter().GetResult();

    public static IReadOnlyList<long> Confirm(this LimitPolicyStore store, long? revision) => store.ConfirmAsync(revision, "test").GetAwaiter().GetResult();
}
