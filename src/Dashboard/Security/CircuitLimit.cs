using Microsoft.AspNetCore.Components.Server.Circuits;

namespace Relay.Dashboard.Security;

/// <summary>How many pages may be open at a time: each holds memory here and a stream at the relay.</summary>
internal sealed class CircuitLimit
{
    public const int Max = 64;

    private int _open;

    public CircuitHandler ForOneCircuit() => new Counter(this);

    private sealed class Counter(CircuitLimit limit) : CircuitHandler
    {
        private bool _counts;

        public override Task OnCircuitOpenedAsync(Circuit circuit, CancellationToken cancellationToken)
        {
            _counts = true;
            return Interlocked.Increment(ref limit._open) <= Max
                ? Task.CompletedTask
                : throw new InvalidOperationException($"More than {Max} pages are open.");
        }

        public override Task OnCircuitClosedAsync(Circuit circuit, CancellationToken cancellationToken)
        {
            if (_counts)
            {
                _counts = false;
                Interlocked.Decrement(ref limit._open);
            }

            return Task.CompletedTask;
        }
    }
}
