namespace Relay.EndToEnd.Support;

/// <summary>Waits for something that the server does in its own time; fails after ten seconds, if not told otherwise.</summary>
internal static class Eventually
{
    public static async Task TrueAsync(Func<bool> condition, string what, TimeSpan? patience = null)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(10));
        using var cancel = new CancellationTokenSource(patience ?? TimeSpan.FromSeconds(10));
        try
        {
            while (!condition())
            {
                await timer.WaitForNextTickAsync(cancel.Token);
            }
        }
        catch (OperationCanceledException)
        {
            Assert.Fail($"did not happen in time: {what}");
        }
    }
}
