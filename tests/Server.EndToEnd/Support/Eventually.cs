namespace Relay.EndToEnd.Support;

/// <summary>Waits for something that the server does in its own time; fails after <see cref="TestClient.Timeout"/>, if not told otherwise.</summary>
internal static class Eventually
{
    public static Task TrueAsync(Func<bool> condition, string what, TimeSpan? patience = null) =>
        TrueAsync(() => Task.FromResult(condition()), what, patience);

    /// <param name="state">What is to be known of it when it fails.</param>
    public static Task TrueAsync(Func<bool> condition, Func<string> state) => TrueAsync(() => Task.FromResult(condition()), state, null);

    public static Task TrueAsync(Func<Task<bool>> condition, string what, TimeSpan? patience = null) => TrueAsync(condition, () => what, patience);

    private static async Task TrueAsync(Func<Task<bool>> condition, Func<string> what, TimeSpan? patience)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        using var cancel = new CancellationTokenSource(patience ?? TestClient.Timeout);
        try
        {
            while (!await condition())
            {
                await timer.WaitForNextTickAsync(cancel.Token);
            }
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"did not happen in time: {what()}");
        }
    }
}
