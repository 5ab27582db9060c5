  // What hpq_axis_in promises; stands at the end of a copy of the module. It holds no beat: data, valid and ready
  // pass, but for the first cycle and reset.
  logic f_running = 1'b0;
  always_ff @(posedge clk) f_running <= !rst;
  logic f_started = 1'b0;
  always_ff @(posedge clk) f_started <= 1'b1;
  always_comb assume (f_started || rst);

  logic f_waits;
  always_ff @(posedge clk) f_waits <= !rst && out_valid && !out_ready;
  always_comb begin
    if (f_waits) assume (tvalid);
    if (f_started) begin
      assert (running == f_running);
      assert (out_valid == (tvalid && f_running) && tready == (out_ready && f_running));
      assert (out_data == tdata[WIDTH-1:0]);
      if (f_waits && !rst) assert (out_valid);
    end
    cover (f_started && f_waits && tvalid && tready);
  end
