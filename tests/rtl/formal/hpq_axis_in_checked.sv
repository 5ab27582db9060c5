  // What hpq_axis_in_checked promises; stands at the end of a copy of the module.
  //
  // Two counts are kept, both from the ports alone: the beats that have come of the present packet, up to BEATS and
  // one more for all beyond, and the beats that have left of the present frame. Where a packet stands says all: the
  // beat that leaves is that beat of the packet, or zero if the packet has ended, or none if it goes on too long.
  localparam int F_W = $clog2(BEATS + 2);
  logic f_running = 1'b0;
  always_ff @(posedge clk) f_running <= !rst;
  logic f_started = 1'b0;
  always_ff @(posedge clk) f_started <= 1'b1;
  always_comb assume (f_started || rst);

  logic f_take, f_put, f_fills, f_drops, f_ends, f_ended, f_wrong, f_error, f_waits, f_offers, f_last;
  logic [    F_W-1:0] f_came, f_left;  // beats of the packet, of the frame
  logic [  WIDTH-1:0] f_data;
  logic [8*BYTES-1:0] f_tdata;
  assign f_take  = tvalid && tready;
  assign f_put   = out_valid && out_ready;
  assign f_fills = f_ended;                   // the packet is over, its frame is not
  assign f_drops = 32'(f_came) >= BEATS;      // the frame is over, its packet is not
  assign f_ends  = 32'(f_left) == BEATS - 1;  // the beat that leaves is the last
  assign f_wrong = f_take && !f_drops && tlast != (32'(f_came) == BEATS - 1);

  always_ff @(posedge clk) begin
    f_waits  <= !rst && out_valid && !out_ready;
    f_offers <= !rst && tvalid && !tready;
    f_data   <= out_data;
    f_tdata  <= tdata;
    f_last   <= tlast;
    if (rst) begin
      f_came  <= '0;
      f_left  <= '0;
      f_ended <= 1'b0;
      f_error <= 1'b0;
    end else begin
      if (f_wrong) f_error <= 1'b1;
      if (f_put) f_left <= f_ends ? '0 : f_left + 1'b1;
      if (f_take) f_came <= tlast ? '0 : f_drops ? f_came : f_came + 1'b1;
      if (f_take && tlast && !f_drops && !f_ends) f_ended <= 1'b1;
      else if (f_put && f_ends) f_ended <= 1'b0;
    end
  end

  always_comb begin
    if (f_offers) assume (tvalid && tdata == f_tdata && tlast == f_last);
    if (f_started) begin
      // A right packet passes, beat by beat; a short one ends in zeros, of a long one nothing more leaves.
      assert (out_valid == (f_fills || (tvalid && f_running && !f_drops)));
      assert (tready == (f_running && !f_fills && (f_drops || out_ready)));
      assert (out_data == (f_fills ? '0 : tdata[WIDTH-1:0]));
      // A beat that comes and is not dropped leaves at its own place of the frame, so that the first beat of a
      // packet is the first of a frame, whatever came before.
      if (!f_fills && !f_drops) assert (f_came == f_left);
      if (f_drops || !f_running) assert (f_left == '0 || rst);
      assert (32'(f_left) < BEATS && 32'(f_came) <= BEATS);
      // The flag tells, and stays.
      assert (packet_error == f_error);
      if (f_waits) assert (out_valid && out_data == f_data);
      // What makes the above inductive.
      assert (running == f_running);
      assert (filling == f_fills && dropping == f_drops);
      assert (!(f_fills && f_drops) && (f_error || !(f_fills || f_drops)));
      if (f_fills) assert (f_came == '0 && f_left != '0);
    end
    cover (f_started && f_waits && f_put && f_take && !f_error);
    if (BEATS <= 8) cover (f_started && f_error && f_drops && f_take && tlast);
    if (BEATS > 1 && BEATS <= 8) begin
      cover (f_started && !f_error && f_put && f_ends);
      cover (f_started && f_fills && f_put && f_ends);
      cover (f_started && f_error && !f_drops && !f_fills && f_put && f_ends && f_take && tlast);
    end
  end
  if (BEATS > 1) begin : f_counted
    logic [F_W-1:0] beat;
    assign beat = F_W'(counted.beat);
    always_comb if (f_started) assert (beat == f_left);
  end
