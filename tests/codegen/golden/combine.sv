// net.0: combine
  hpq_combine #(
      .OPERATION     ("add"),
      .LANES         (2),
      .A_W           (4),
      .A_SIGNED      (1'b1),
      .A_SHIFT       (1),
      .B_W           (5),
      .B_SIGNED      (1'b1),
      .B_SHIFT       (0),
      .ACC_W         (6),
      .CLIP          ({1'b0, 1'b1, 6'sd0, 6'sd0}),
      .CAST_REGISTERS(3'h0),
      .CAST_SHIFT    (-1),
      .Y_W           (6),
      .Y_SIGNED      (1'b1),
      .ROUNDING      ("AP_TRN"),
      .OVERFLOW      ("AP_WRAP")
  ) net_unit (
      .clk      (ap_clk),
      .rst      (rst),
      .a_data   (x_out_data),
      .a_valid  (x_out_valid),
      .a_ready  (x_out_ready),
      .b_data   (b_out_data),
      .b_valid  (b_out_valid),
      .b_ready  (b_out_ready),
      .out_data (y_in_data),
      .out_valid(y_in_valid),
      .out_ready(y_in_ready)
  );
